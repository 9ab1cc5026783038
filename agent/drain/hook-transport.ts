/**
 * How preStop calls reach the drain server. Real carrier: HTTP on the node's loopback behind the redirect rule; in
 * virtual time: the model kubelet calls the handler.
 */
export interface HookTransport {
  /**
   * Serves until `signal` aborts, then finishes the calls it has accepted. `handler` gets the Pod's address (the call's
   * Host); the call is answered when its promise settles, however, and the line it resolves with is the answer's body.
   */
  serve(handler: HookHandler, signal: AbortSignal): Promise<void>;
}

/**
 * Resolves when the Pod may die, with one line for people that says what happened. `signal` aborts when the caller hangs
 * up. It never rejects for an operating error: a hook that fails would not hold the Pod either.
 */
export type HookHandler = (podAddress: string, signal: AbortSignal) => Promise<string>;
