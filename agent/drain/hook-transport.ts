/**
 * How preStop calls reach the drain server. Real carrier: HTTP on the node's loopback behind the redirect rule; in
 * virtual time: the model kubelet calls the handler.
 */
export interface HookTransport {
  /**
   * Serves until `signal` aborts, then finishes the calls it has accepted. A call is answered when the promise of `hold`
   * settles, however, and the line it resolves with is the answer's body.
   */
  serve(callees: HookCallees, signal: AbortSignal): Promise<void>;
}

/** Whom a preStop call means: the Pod with this address (the call's Host), or the one that its token stands for. */
export type HookCallee = { readonly address: string } | { readonly podUid: string };

export interface HookCallees {
  /**
   * Resolves when the Pod may die, with one line for people that says what happened. `signal` aborts when the caller
   * hangs up. It never rejects for an operating error: a hook that fails would not hold the Pod either.
   */
  hold(callee: HookCallee, signal: AbortSignal): Promise<string>;
  /** Whether calls to this address are led here at all. */
  isHooked(address: string): boolean;
  /** The Pod that a token stands for. How long it takes tells nothing about the tokens. */
  podUidOf(token: string): string | undefined;
}
