import type { DrainLimits } from './drain-limits.ts';
import type { PodFacts } from './pod-facts.ts';

/**
 * How long a call may be held, in milliseconds from its start: the Pod's drain seconds, but never the application's
 * share of the grace period; a restart's hold while no deletion was seen.
 */
export function budgetMs(facts: PodFacts, limits: DrainLimits): number {
  const drainSeconds = Math.min(facts.drainSeconds ?? limits.drainSecondsDefault, limits.drainSecondsMax);
  const heldAtMostMs = drainSeconds * 1_000;
  if (facts.deletionGraceSeconds === undefined) return Math.min(heldAtMostMs, limits.restartHoldMs);
  const applicationMs = Math.max(limits.applicationGraceMinMs, (facts.applicationGraceSeconds ?? 0) * 1_000);
  const grantedMs = facts.deletionGraceSeconds * 1_000 - applicationMs;
  return Math.min(heldAtMostMs, Math.max(limits.budgetMinMs, grantedMs));
}
