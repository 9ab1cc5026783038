/** Durations of a drain. */
export interface DrainLimits {
  /** Budget of a Pod that names none. */
  readonly drainSecondsDefault: number;
  /** Largest budget a Pod may name. */
  readonly drainSecondsMax: number;
  /** A call that no deletion explains after this long is a container's restart. */
  readonly restartAfterMs: number;
  /** How long a restart is held at most. */
  readonly restartHoldMs: number;
  /** Kept of the grace period for the application if it asked for less: the kubelet grants as much after any hook. */
  readonly applicationGraceMinMs: number;
  /** The kubelet waits this long for a hook however short the grace period is. */
  readonly budgetMinMs: number;
  /** Kept of the budget for deregistering a Pod to which new connections never stop. Others are waited for to its end. */
  readonly deregisterReserveMs: number;
  /** Between two readings of a Pod's connections. */
  readonly readingIntervalMs: number;
  /** Connections that have been idle for so long need not be waited for; undefined when idle times are not read. */
  readonly idleMs: number | undefined;
  /** UDP has no connections to watch: how long after settling the last answers may take. */
  readonly udpQuietMs: number;
  /** Without any connected coordinator for so long, the call is answered. */
  readonly coordinatorAbsentMs: number;
  /**
   * With coordinators connected of which none takes the request for so long, the call is answered. Longer than a
   * lease and the take-over after it, so that a change of leader does not cut a drain short.
   */
  readonly leaderAnswerMs: number;
}

/** Longer than a client needs between two requests that belong together. */
export const IDLE_CONNECTION_MS = 5_000;

export const DEFAULT_DRAIN_LIMITS: DrainLimits = {
  drainSecondsDefault: 30,
  drainSecondsMax: 3_600,
  restartAfterMs: 2_000,
  restartHoldMs: 5_000,
  applicationGraceMinMs: 2_000,
  budgetMinMs: 1_000,
  deregisterReserveMs: 5_000,
  readingIntervalMs: 200,
  idleMs: undefined,
  udpQuietMs: 5_000,
  coordinatorAbsentMs: 3_000,
  leaderAnswerMs: 15_000,
};
