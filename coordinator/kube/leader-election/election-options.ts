/** Durations of an election; every replica should have the same. */
export interface ElectionOptions {
  /** `<pod uid>_<incarnation>`: never used by two processes, so that the end of one proves something. */
  readonly identity: string;
  /** How long followers wait after the last change they saw before they take the lease. */
  readonly leaseDurationMs: number;
  /** How long a leader goes on without a successful renewal. */
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

export const ELECTION_DEFAULTS = { leaseDurationMs: 10_000, renewDeadlineMs: 7_000, retryPeriodMs: 1_000 } as const;

/** Followers try again after up to this much more than the retry period, so that they do not collide. */
export const RETRY_JITTER = 0.2;

/** @throws RangeError naming the two durations that do not fit together. */
export function validateElectionOptions(options: ElectionOptions): void {
  const { identity, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = options;
  if (identity === '') throw new RangeError('identity must not be empty');
  if (!(retryPeriodMs > 0)) throw new RangeError(`retryPeriodMs must be positive, got ${retryPeriodMs}`);
  if (!(leaseDurationMs >= 1_000)) throw new RangeError(`leaseDurationMs must be 1000 or more, got ${leaseDurationMs}`);
  if (!(leaseDurationMs > renewDeadlineMs)) {
    throw new RangeError(`leaseDurationMs ${leaseDurationMs} must be greater than renewDeadlineMs ${renewDeadlineMs}`);
  }
  if (!(renewDeadlineMs > retryPeriodMs * (1 + RETRY_JITTER))) {
    throw new RangeError(
      `renewDeadlineMs ${renewDeadlineMs} must be greater than ${1 + RETRY_JITTER} times retryPeriodMs ${retryPeriodMs}`,
    );
  }
}
