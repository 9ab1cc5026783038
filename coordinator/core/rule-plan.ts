import type { BrakeHistory, BrakeLimits } from './brake.ts';
import { type Closing, type Hold, releaseClosings } from './closings.ts';
import type { ClusterView, PodView } from './cluster-view.ts';
import { dispositionOf } from './disposition.ts';
import { isMeantToServe } from './floor.ts';
import type { Mark } from './mark.ts';
import type { QuotaDecision } from './quota.ts';
import type { Leaving, RuleMemory } from './rule-memory.ts';
import type { RuleState, RuleTarget } from './rule-state.ts';
import { CLOSED_DRAIN_MS } from './switch.ts';
import type { TargetOperation } from './target-operation.ts';
import { type Wish, wishOf } from './wish.ts';

export type { Hold };

/** What one rule may change now, and what it has to wait for. */
export interface RulePlan {
  readonly operations: readonly TargetOperation[];
  /** Registrations of Pods that are not ready yet: they save time, but cost a write of their own. */
  readonly early: readonly TargetOperation[];
  readonly holds: readonly Hold[];
  readonly orphans: readonly Orphan[];
  readonly foreign: readonly ForeignTarget[];
  /** How many Pods have no room on the rule. */
  readonly leftOut: number;
  /** When to plan again though nothing happened. */
  readonly lookAgainAt: number | undefined;
}

/** A target that carries no mark of ours: it is reported and left alone (law L6). */
export interface ForeignTarget {
  readonly key: string;
  readonly ruleId: string;
  readonly address: string;
  readonly port: number;
  /** The Pod that cannot be bound because this target is in its place. */
  readonly podUid: string | undefined;
}

/** A binding with our mark whose Pod nobody vouches for: to be proven one by one. */
export interface Orphan {
  readonly key: string;
  readonly mark: Mark;
}

export interface RulePlanInput {
  readonly state: RuleState;
  readonly view: Pick<ClusterView, 'tombstone' | 'isPartial' | 'hasUnseenNodes'>;
  readonly cluster: string;
  readonly brake: { readonly history: BrakeHistory; readonly limits: BrakeLimits };
  readonly quota: QuotaDecision;
  readonly memory: Pick<RuleMemory, 'leaving' | 'exposed' | 'capacity'>;
  readonly now: number;
}

/**
 * A target whose Pod is gone stays no longer than this for a new one that may have its address: who watches a blind
 * agent's node tells of it in seconds, unless that is broken for good.
 */
const UNSEEN_MAX_MS = 300_000;
const UNSEEN_LOOK_MS = 1_000;

interface Draft {
  readonly operations: TargetOperation[];
  readonly early: TargetOperation[];
  readonly closings: Closing[];
  readonly unseen: Hold[];
  readonly orphans: Orphan[];
  readonly foreign: ForeignTarget[];
}

export function planRule(input: RulePlanInput): RulePlan {
  const plan = activePlan(input);
  if (!input.state.rule.isPaused) return plan;
  return { ...plan, operations: [], early: [], holds: [], orphans: [], lookAgainAt: undefined };
}

function activePlan(input: RulePlanInput): RulePlan {
  const draft: Draft = { operations: [], early: [], closings: [], unseen: [], orphans: [], foreign: [] };
  const { rule, keepsLeavingNodes } = input.state;
  const context = { ...input, rule, keepsLeavingNodes, givesPlace: input.quota.givesPlace };
  for (const target of input.state.targets) {
    if (!input.quota.leftOut.has(target.key)) addWish(draft, target, wishOf(target, context), input);
  }
  const { operations, early, closings, orphans, foreign } = draft;
  const { allowed, holds: kept } = closings.length === 0 ? NO_CLOSINGS : release(closings, input);
  const holds = [...kept, ...draft.unseen];
  return {
    operations: [...allowed, ...operations],
    early,
    holds,
    orphans,
    foreign,
    leftOut: input.quota.leftOut.size,
    lookAgainAt: lookAgainAt(holds, input),
  };
}

const NO_CLOSINGS = { allowed: [], holds: [] };

function release(closings: readonly Closing[], input: RulePlanInput): ReturnType<typeof releaseClosings> {
  const { rule, targets, awaited } = input.state;
  const isMeant = ({ key, wanted }: RuleTarget) =>
    wanted !== undefined && isMeantToServe(wanted, rule) && !input.quota.leftOut.has(key);
  const isComing = (pod: PodView) => isMeantToServe({ pod, disposition: dispositionOf(pod, rule) }, rule);
  const meant = targets.filter(isMeant);
  const candidates = meant.filter(({ refusal }) => refusal === undefined);
  const refused = meant.filter(({ refusal }) => refusal !== undefined);
  const coming = { candidates, refused, awaited: awaited.filter(isComing) };
  return releaseClosings(closings, { ...input, ...coming, isPartial: () => input.view.isPartial?.() ?? false });
}

function addWish(draft: Draft, target: RuleTarget, wish: Wish, input: RulePlanInput): void {
  const { key, place } = target;
  const ruleId = input.state.rule.id;
  switch (wish.kind) {
    case 'none':
      return;
    case 'prove':
      draft.orphans.push({ key, mark: wish.mark });
      return;
    case 'foreign':
      draft.foreign.push({ key, ruleId, address: place.address, port: place.port, podUid: wish.pod?.record.uid });
      return;
    case 'change':
      addChange(draft, target, { ...wish.change, key, place, ruleId, podUid: wish.podUid }, input);
  }
}

function addChange(draft: Draft, target: RuleTarget, operation: TargetOperation, input: RulePlanInput): void {
  const { podUid } = operation;
  if (operation.kind === 'close') draft.closings.push({ target, podUid, evidence: operation.evidence });
  else if (operation.kind === 'register' && target.wanted?.disposition.kind === 'standby') draft.early.push(operation);
  else if (!mayGo(operation, target, input)) return;
  else if (mayHaveHeir(operation, input)) draft.unseen.push(holdForHeir(operation, input));
  else draft.operations.push(operation);
}

function mayGo(operation: TargetOperation, { bound }: RuleTarget, input: RulePlanInput): boolean {
  if (operation.kind !== 'deregister') return true;
  const { key } = operation;
  const { memory } = input;
  switch (operation.evidence) {
    // Nobody tells when the connections of a living Pod have ended, but a hook that its agent holds.
    case 'unselected':
    case 'quota':
      return bound?.owner?.drain?.phase === 'connections-ended' || hasStoodClosed(memory.leaving.get(key), input);
    // Nor those of a Pod that may have inherited the address of an open target. One without room has more need of it.
    case 'gone':
    case 'moved':
    case 'terminal':
    case 'exited': {
      const exposed = memory.exposed.get(key) ?? memory.leaving.get(key);
      return !exposed || input.quota.leftOut.size > 0 || hasStoodClosed(exposed, input);
    }
    case 'connections-ended':
      return true;
  }
}

/** Nobody may know yet whose connections come through a target that was open when its Pod was gone (law L4). */
function mayHaveHeir({ kind, key }: TargetOperation, { memory, quota, view, now }: RulePlanInput): boolean {
  const closedSince = memory.exposed.get(key)?.closedSince;
  if (kind !== 'deregister' || closedSince === undefined || quota.leftOut.size > 0) return false;
  return now < closedSince + UNSEEN_MAX_MS && view.hasUnseenNodes?.() === true;
}

function holdForHeir({ key, ruleId, podUid }: TargetOperation, { now }: RulePlanInput): Hold {
  return { key, ruleId, podUid, reason: 'unseen-pods', until: now + UNSEEN_LOOK_MS };
}

function hasStoodClosed(leaving: Leaving | undefined, { now }: RulePlanInput): boolean {
  return leaving?.closedSince !== undefined && now >= leaving.closedSince + CLOSED_DRAIN_MS;
}

function lookAgainAt(holds: readonly Hold[], { memory, quota, now }: RulePlanInput): number | undefined {
  let next = quota.lookAgainAt ?? Number.POSITIVE_INFINITY;
  for (const { until } of holds) if (until !== undefined && until > now) next = Math.min(next, until);
  for (const { closedSince } of [...memory.leaving.values(), ...memory.exposed.values()]) {
    const drainedAt = closedSince === undefined ? now : closedSince + CLOSED_DRAIN_MS;
    if (drainedAt > now) next = Math.min(next, drainedAt);
  }
  return Number.isFinite(next) ? next : undefined;
}
