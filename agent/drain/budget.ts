import type { DrainLimits } from './drain-limits.ts';
import type { PodFacts } from './pod-facts.ts';

/**
 * How long a call may be held, in milliseconds from its start: the Pod's drain seconds, but never the application's
 * share of the grace period; a restart's hold while no deletion was seen. A longer minimum hold takes the place of drain
 * seconds and of a restart's hold.
 */
export function budgetMs(facts: PodFacts, limits: DrainLimits): number {
  const drainMs = Math.min(facts.drainSeconds ?? limits.drainSecondsDefault, limits.drainSecondsMax) * 1_000;
  const askedMs = askedHoldMs(facts, limits);
  if (facts.deletionGraceSeconds === undefined) return Math.max(askedMs, Math.min(drainMs, limits.restartHoldMs));
  const applicationMs = Math.max(limits.applicationGraceMinMs, (facts.applicationGraceSeconds ?? 0) * 1_000);
  const grantedMs = facts.deletionGraceSeconds * 1_000 - applicationMs;
  return Math.min(Math.max(drainMs, askedMs), Math.max(limits.budgetMinMs, grantedMs));
}

/** How long a call is held at least, in milliseconds from its start: what the Pod asks for, within its budget. */
export function minimumHoldMs(facts: PodFacts, limits: DrainLimits): number {
  return Math.min(askedHoldMs(facts, limits), budgetMs(facts, limits));
}

function askedHoldMs({ minimumHoldSeconds = 0 }: PodFacts, { drainSecondsMax }: DrainLimits): number {
  return Math.min(minimumHoldSeconds, drainSecondsMax) * 1_000;
}
