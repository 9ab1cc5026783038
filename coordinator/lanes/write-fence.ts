/** Law L7: a write starts only if the lease outlives the call's deadline by this process's own clock. */
export interface WriteFence {
  /** @param timeoutMs the call's own deadline */
  mayWrite(timeoutMs: number): boolean;
  /** It never opens, so that nothing is even tried. */
  readonly isShut?: boolean;
}

/** The fence of a coordinator that observes. */
export const SHUT_FENCE: WriteFence = { mayWrite: () => false, isShut: true };

/** What stays between the end of a call and the end of the lease. */
export const FENCE_MARGIN_MS = 1_000;

/** The fence of a leader whose lease is surely its own until `leaseEndsAt()`, monotonic milliseconds. */
export function leaseFence(now: () => number, leaseEndsAt: () => number): WriteFence {
  return { mayWrite: timeoutMs => now() + timeoutMs + FENCE_MARGIN_MS <= leaseEndsAt() };
}
