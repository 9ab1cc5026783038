import type { HealthStatus } from './health.ts';

/** What decides whether, and how often, a target is chosen. */
export interface Candidate {
  readonly weight: number;
  readonly status: HealthStatus;
}

/** One that takes part in a weighted round robin. */
export interface Turn {
  readonly weight: number;
  /** The running value, 0 at first. */
  readonly current: number;
}

/**
 * Who may get something new: the healthy ones; when there is none, all that failed. Never weight 0, and never a target
 * that is still being probed for the first time.
 */
export function eligibleTargets<Target extends Candidate>(targets: readonly Target[]): readonly Target[] {
  const open = targets.filter(({ weight }) => weight > 0);
  const healthy = open.filter(({ status }) => status === 'Alive' || status === 'Close');
  return healthy.length > 0 ? healthy : open.filter(({ status }) => status === 'Dead');
}

/**
 * Smooth weighted round robin: in any run of choices each one comes as often as its weight says, evenly spread. Returns
 * the place of the chosen one, undefined when there is none, and the running values of all for the next choice.
 */
export function chooseByWeight(turns: readonly Turn[]): {
  readonly index: number | undefined;
  readonly currents: readonly number[];
} {
  const currents = turns.map(({ weight, current }) => current + weight);
  if (turns.length === 0) return { index: undefined, currents };
  const index = currents.indexOf(Math.max(...currents));
  const total = turns.reduce((sum, { weight }) => sum + weight, 0);
  return { index, currents: currents.with(index, (currents[index] ?? 0) - total) };
}
