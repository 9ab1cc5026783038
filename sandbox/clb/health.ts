/** As `DescribeTargetHealth` tells it. `Close`: the check is switched off. */
export type HealthStatus = 'Alive' | 'Dead' | 'Unknown' | 'Close';

export interface HealthState {
  readonly status: 'Alive' | 'Dead' | 'Unknown';
  /** Probes in a row that ended as the last one did. */
  readonly streak: number;
  readonly lastPassed: boolean;
}

/** Probing has not led to anything yet: no traffic. */
export const UNPROBED: HealthState = { status: 'Unknown', streak: 0, lastPassed: false };

export interface Thresholds {
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

/** The state after one more probe: a status flips when a threshold of equal results in a row is reached. */
export function afterProbe(state: HealthState, passed: boolean, thresholds: Thresholds): HealthState {
  const streak = passed === state.lastPassed ? state.streak + 1 : 1;
  const reached = streak >= (passed ? thresholds.healthyThreshold : thresholds.unhealthyThreshold);
  const status = reached ? (passed ? 'Alive' : 'Dead') : state.status;
  return { status, streak, lastPassed: passed };
}
