import type { PodView } from './cluster-view.ts';
import { weightOf } from './disposition.ts';
import type { Rule } from './rule.ts';
import type { RuleState, RuleTarget } from './rule-state.ts';

/** Time a replacement gets, from its first report, to hold up a deletion (law L2). */
const REPLACEMENT_AGE_MAX_MS = 600_000;
/** Less grace than this is left to the application. */
const GRACE_LEFT_MIN_MS = 10_000;
/** The hold ends this long before the hook's budget, so that the drain itself still has time. */
const HOLD_ENDS_BEFORE_BUDGET_MS = 5_000;
/** An agent names a hook's budget anew right after it has heard of the deletion, from when the grace counts. */
const BUDGET_NAMED_WITHIN_MS = 1_000;
/** A budget that may be a restart's leaves so much for weight 0 and settling, whatever is waited for. */
const SHORT_DRAIN_MS = 4_000;

/** Targets that take new connections as far as CLB has told, with work in flight counted against them. */
export interface OpenCount {
  /** Healthy (or unchecked) with weight. */
  open: number;
  /** With weight, healthy or not: when all are unhealthy, CLB sends traffic to all of these. */
  weighted: number;
}

export function countOpen(state: RuleState): OpenCount {
  const count = { open: 0, weighted: 0 };
  for (const target of state.targets) {
    if (isOpen(target)) count.open += 1;
    if (isWeighted(target)) count.weighted += 1;
  }
  return count;
}

export function isOpen(target: RuleTarget): boolean {
  // Nobody reaches its node: CLB will find out, too.
  const isLost = target.bound?.owner?.nodeSign?.kind === 'unreachable';
  return isOpenToCloud(target) && !isLost;
}

/** By CLB's own word. */
function isOpenToCloud(target: RuleTarget): boolean {
  const health = target.bound?.health;
  return isWeighted(target) && (health === 'healthy' || health === 'closed');
}

/** Whether nothing is known that keeps new connections from the target: a fresh leader has read no health yet. */
export function mayBeOpen(target: RuleTarget): boolean {
  return isOpenToCloud(target) || (isWeighted(target) && target.bound?.health === undefined);
}

/** Ours, with weight, and nothing that takes it is under way. */
export function isWeighted(target: RuleTarget): boolean {
  if (!target.bound?.mark || target.bound.weight === 0) return false;
  const { transaction } = target;
  if (transaction === undefined || transaction.operation === 'adopt') return true;
  return transaction.operation !== 'deregister' && transaction.weight > 0;
}

export interface FloorInput {
  /** The rule's targets that can come to serve, or could if CLB took them. */
  readonly candidates: readonly RuleTarget[];
  /** Pods that can come to serve and have no address yet. */
  readonly awaited: readonly PodView[];
  /** There are nodes of whose Pods nobody has told yet: there may be more candidates. */
  readonly isPartial: () => boolean;
  readonly now: number;
}

/**
 * Until when the last open target may be held though its Pod is deleted: only while a replacement is or may be on its way
 * and the Pod has time to spare. Undefined: do not hold.
 */
export function holdLastOpenUntil(input: FloorInput, pod: PodView): number | undefined {
  const replacementsEndAt = input.isPartial() ? Number.POSITIVE_INFINITY : replacementsUntil(input);
  if (pod.deletionSeenAt === undefined || replacementsEndAt === undefined) return undefined;
  const graceMs = (pod.record.deletion?.gracePeriodSeconds ?? 0) * 1_000;
  const graceEndsAt = pod.deletionSeenAt + graceMs;
  const until = Math.min(graceEndsAt - GRACE_LEFT_MIN_MS, hookSparesUntil(pod, pod.deletionSeenAt), replacementsEndAt);
  return until > input.now ? until : undefined;
}

/**
 * Until when the hook's budget leaves time for the drain. One named before the deletion, or by an agent that has not heard of
 * it and is told now, is that of a restart, and short.
 */
function hookSparesUntil({ drain }: PodView, deletionSeenAt: number): number {
  if (!drain) return Number.POSITIVE_INFINITY;
  const until = drain.budgetEndsAt - HOLD_ENDS_BEFORE_BUDGET_MS;
  if (drain.heardAt < deletionSeenAt) return Math.max(until, deletionSeenAt + BUDGET_NAMED_WITHIN_MS);
  return Math.max(until, Math.min(drain.begunAt + BUDGET_NAMED_WITHIN_MS, drain.budgetEndsAt - SHORT_DRAIN_MS));
}

/** Until when the youngest Pod that does not serve yet counts as a replacement; undefined when there is none. */
function replacementsUntil({ candidates, awaited }: FloorInput): number | undefined {
  const starting = candidates.flatMap(target => (target.wanted && !isOpenToCloud(target) ? target.wanted.pod : []));
  const replacements = [...starting, ...awaited];
  if (replacements.length === 0) return undefined;
  return Math.max(...replacements.map(pod => pod.firstSeenAt)) + REPLACEMENT_AGE_MAX_MS;
}

/** Whether the rule wants the Pod's target open, now or as soon as the Pod is ready. */
export function isMeantToServe(
  { pod, disposition }: NonNullable<RuleTarget['wanted']>,
  rule: Pick<Rule, 'weights' | 'service'>,
): boolean {
  if (disposition.kind === 'serve') return disposition.weight > 0;
  return disposition.kind === 'standby' && weightOf(pod.record, rule) > 0;
}
