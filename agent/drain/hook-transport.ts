/**
 * How preStop calls reach the drain server. Real carrier: HTTP on the node's loopback behind the redirect rule; in
 * virtual time: the model kubelet calls the handler.
 */
export interface HookTransport {
  /**
   * Serves until `signal` aborts, then finishes the calls it has accepted. `handler` gets the Pod's address (the call's
   * Host) and a signal that aborts when the caller hangs up; the call is answered when its promise settles, however.
   */
  serve(handler: HookHandler, signal: AbortSignal): Promise<void>;
}

export type HookHandler = (podAddress: string, signal: AbortSignal) => Promise<void>;

/** The node's rule that leads calls to a hooked Pod's address, port 19440, to the agent's loopback port. */
export interface HookRedirect {
  /** Replaces the whole rule set atomically. Idempotent. @throws Error when the node refused it. */
  replace(podAddresses: readonly string[], signal: AbortSignal): Promise<void>;
}
