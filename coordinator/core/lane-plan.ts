import { type BrakeHistory, type BrakeLimits, chargeBrake, DEFAULT_BRAKE } from './brake.ts';
import type { ClusterView } from './cluster-view.ts';
import { isStrong } from './disposition.ts';
import { type Observation, placeKey, type TransactionTable } from './observation.ts';
import type { RulePlace } from './rule.ts';
import {
  type ForeignTarget,
  type Hold,
  type Orphan,
  planRule,
  type RulePlan,
  SWITCH_MS,
  UNSELECTED_DRAIN_MS,
  type UnselectedTargets,
} from './rule-plan.ts';
import { type PlacedRule, type RuleState, ruleState } from './rule-state.ts';
import { PRIORITIES, type Priority, priorityOf, type TargetOperation } from './target-operation.ts';

/** What planning remembers of a load balancer between two plans. */
export interface LaneMemory {
  readonly brake: BrakeHistory;
  /** When an operation was first wanted, by `kind|key`; for aging. */
  readonly wantedSince: ReadonlyMap<string, number>;
  readonly unselected: UnselectedTargets;
}

export const EMPTY_MEMORY: LaneMemory = {
  brake: new Map(),
  wantedSince: new Map(),
  unselected: { since: new Map(), closedSince: new Map() },
};

export interface LanePlanLimits {
  readonly brake: BrakeLimits;
  /** CLB: at most 500 targets in a batch call (clb-api section 1.1). */
  readonly batchSizeMax: number;
  /** Waiting this long lifts an operation by one priority. */
  readonly agingMs: number;
}

export const DEFAULT_PLAN_LIMITS: LanePlanLimits = {
  brake: DEFAULT_BRAKE,
  batchSizeMax: 500,
  agingMs: 3_000,
};

/** One call to CLB. Closings and openings are both changes of weight and travel together. */
export interface TargetWrite {
  readonly kind: 'weights' | 'register' | 'deregister' | 'tags';
  readonly operations: readonly TargetOperation[];
  /** It takes weight from a Pod that has exited or drains: somebody waits for it. */
  readonly urgent: boolean;
}

export interface LanePlanInput {
  readonly rules: readonly PlacedRule[];
  readonly view: ClusterView;
  readonly cluster: string;
  readonly observation: Observation;
  readonly transactions: TransactionTable;
  readonly memory: LaneMemory;
  readonly limits: LanePlanLimits;
  /** False for an operation that was sent before, did not show, and waits for its next try. */
  readonly mayTry: (operation: TargetOperation) => boolean;
  readonly now: number;
  /** What this lane's facts led to before; undefined for the first plan of a lane. */
  readonly previous: LanePlan | undefined;
  /**
   * Ids of the rules about whose Pods something changed since `previous`. What changed in the other inputs, and what has
   * become due, is seen without being told. The rules that nothing happened to are taken over as they are.
   */
  readonly dirty: ReadonlySet<string> | 'all';
  /** How many targets the next write may carry; `limits.batchSizeMax` stays the ceiling. */
  readonly sizeMax: number;
  /** The lane has more work than it can send soon: a Pod that is not ready is not registered ahead of time. */
  readonly isSaturated: boolean;
  /** Targets that CLB refuses, by binding key, with our code: they are left alone. */
  readonly quarantined: ReadonlyMap<string, string>;
  /** CLB's limit of targets on the listener or forwarding rule, foreign ones included. */
  readonly targetsPerRuleMax: (place: RulePlace) => number;
}

/** One rule as far as it is worked out, for the next plan to take over. */
export interface WorkedOutRule {
  readonly state: RuleState;
  readonly plan: RulePlan;
  /** Every Pod that has a part in it: selected, or named by the mark of a target. */
  readonly podUids: ReadonlySet<string>;
  /** When it has to be worked out again though nothing happened. */
  readonly lookAgainAt: number | undefined;
}

export interface LanePlan {
  readonly write: TargetWrite | undefined;
  /** Every operation that may go now, the write's included: what is queued. */
  readonly operations: readonly TargetOperation[];
  readonly holds: readonly Hold[];
  readonly orphans: readonly Orphan[];
  readonly foreign: readonly ForeignTarget[];
  /** By rule id. */
  readonly rules: ReadonlyMap<string, WorkedOutRule>;
  /** UIDs of the Pods whose targets may look different from the previous plan. */
  readonly touched: ReadonlySet<string>;
  /** How many Pods the quota leaves out, by rule id; rules that have room for all are not in it. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** As it is if the write is not sent; `chargeWrite` gives what follows when it is. */
  readonly memory: LaneMemory;
  /** When to plan again though nothing happened. */
  readonly lookAgainAt: number | undefined;
  readonly states: readonly RuleState[];
}

export function planLane(input: LanePlanInput): LanePlan {
  const states = ruleStates(input);
  const unselected = trackUnselected(states, input);
  const plans = states.map(state =>
    planRule({
      state,
      view: input.view,
      cluster: input.cluster,
      brake: { history: input.memory.brake, limits: input.limits.brake },
      unselected,
      now: input.now,
    }),
  );
  const operations = plans.flatMap(plan => plan.operations);
  const wantedSince = trackWanted(operations, input);
  const memory: LaneMemory = { brake: input.memory.brake, wantedSince, unselected };
  return {
    write: chooseWrite(operations.filter(input.mayTry), { ...input, memory }),
    operations,
    holds: plans.flatMap(plan => plan.holds),
    orphans: plans.flatMap(plan => plan.orphans),
    foreign: plans.flatMap(plan => plan.foreign),
    memory,
    lookAgainAt: lookAgainAt(plans, unselected, input.now),
    states,
    ...workedOut(states, plans),
    leftOut: new Map(),
  };
}

function workedOut(states: readonly RuleState[], plans: readonly RulePlan[]): Pick<LanePlan, 'rules' | 'touched'> {
  const rules = new Map<string, WorkedOutRule>();
  const touched = new Set<string>();
  for (const [index, state] of states.entries()) {
    const plan = plans[index];
    if (!plan) continue;
    const podUids = podUidsOf(state);
    for (const podUid of podUids) touched.add(podUid);
    rules.set(state.rule.id, { state, plan, podUids, lookAgainAt: undefined });
  }
  return { rules, touched };
}

function podUidsOf({ targets }: RuleState): Set<string> {
  const podUids = new Set<string>();
  for (const { bound, wanted } of targets) {
    if (bound?.mark) podUids.add(bound.mark.podUid);
    if (wanted) podUids.add(wanted.pod.record.uid);
  }
  return podUids;
}

/** The ids of the rules in which one of the Pods has a part. A rule that newly selects a Pod is not among them. */
export function rulesOf(plan: LanePlan, podUids: ReadonlySet<string>): Set<string> {
  const ids = new Set<string>();
  for (const [id, rule] of plan.rules) {
    for (const podUid of podUids) if (rule.podUids.has(podUid)) ids.add(id);
  }
  return ids;
}

/** The memory after a write was sent: weak closings are charged to their rule's brake (law L2). */
export function chargeWrite(memory: LaneMemory, write: TargetWrite, limits: BrakeLimits, now: number): LaneMemory {
  const charges = new Map<string, number>();
  for (const operation of write.operations) {
    if (operation.kind !== 'close' || isStrong(operation.evidence)) continue;
    charges.set(operation.ruleId, (charges.get(operation.ruleId) ?? 0) + 1);
  }
  let { brake } = memory;
  for (const [ruleId, count] of charges) brake = chargeBrake(brake, ruleId, count, { limits, now });
  return { ...memory, brake };
}

function ruleStates(input: LanePlanInput): RuleState[] {
  return input.rules.map(rule => {
    const place = input.observation.places.get(placeKey(rule.place));
    return ruleState(rule, {
      view: input.view,
      cluster: input.cluster,
      bindings: place?.bindings ?? new Map(),
      health: place?.health ?? new Map(),
      transactions: input.transactions,
    });
  });
}

function trackUnselected(states: readonly RuleState[], { memory, now }: LanePlanInput): UnselectedTargets {
  const since = new Map<string, number>();
  const closedSince = new Map<string, number>();
  for (const { key, bound, wanted } of states.flatMap(state => state.targets)) {
    if (!bound?.owner || wanted?.pod.record.uid === bound.owner.record.uid) continue;
    since.set(key, memory.unselected.since.get(key) ?? now);
    if (bound.weight === 0) closedSince.set(key, memory.unselected.closedSince.get(key) ?? now);
  }
  return { since, closedSince };
}

function trackWanted(operations: readonly TargetOperation[], input: LanePlanInput): Map<string, number> {
  return new Map(
    operations.map(operation => {
      const id = `${operation.kind}|${operation.key}`;
      return [id, input.memory.wantedSince.get(id) ?? input.now] as const;
    }),
  );
}

function lookAgainAt(plans: readonly RulePlan[], unselected: UnselectedTargets, now: number): number | undefined {
  const times = [
    ...plans.flatMap(plan => plan.holds.map(hold => hold.until ?? Number.POSITIVE_INFINITY)),
    ...[...unselected.since.values()].map(since => since + SWITCH_MS),
    ...[...unselected.closedSince.values()].map(since => since + UNSELECTED_DRAIN_MS),
  ].filter(time => time > now && Number.isFinite(time));
  return times.length === 0 ? undefined : Math.min(...times);
}

function chooseWrite(operations: readonly TargetOperation[], input: LanePlanInput): TargetWrite | undefined {
  const first = mostUrgent(operations, input);
  if (first === undefined) return undefined;
  const kind = writeKind(first);
  const fitting = PRIORITIES.filter(priority => writeKind(priority) === kind).flatMap(priority =>
    operations.filter(operation => priorityOf(operation) === priority),
  );
  const chosen = fitting.slice(0, Math.max(1, Math.min(input.sizeMax, input.limits.batchSizeMax)));
  return { kind, operations: chosen, urgent: chosen.some(isUrgent) };
}

function isUrgent(operation: TargetOperation): boolean {
  if (operation.kind !== 'close') return false;
  return operation.evidence === 'deletion' || operation.evidence === 'exit' || operation.evidence === 'hook';
}

/** The priority whose oldest operation, lifted by its age, comes first. */
function mostUrgent(operations: readonly TargetOperation[], input: LanePlanInput): Priority | undefined {
  let best: { priority: Priority; rank: number } | undefined;
  for (const operation of operations) {
    const priority = priorityOf(operation);
    const since = input.memory.wantedSince.get(`${operation.kind}|${operation.key}`) ?? input.now;
    const rank = PRIORITIES.indexOf(priority) - Math.floor((input.now - since) / input.limits.agingMs);
    if (!best || rank < best.rank) best = { priority, rank };
  }
  return best?.priority;
}

function writeKind(priority: Priority): TargetWrite['kind'] {
  switch (priority) {
    case 'close':
    case 'open':
      return 'weights';
    case 'register':
      return 'register';
    case 'adopt':
      return 'tags';
    case 'deregister-dead':
    case 'deregister-drained':
      return 'deregister';
  }
}
