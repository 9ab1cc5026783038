import { type BrakeHistory, type BrakeLimits, chargeBrake, DEFAULT_BRAKE } from './brake.ts';
import type { Hold } from './closings.ts';
import { isStrong } from './disposition.ts';
import { placeKeyOf } from './observation.ts';
import type { ForeignTarget, Orphan } from './rule-plan.ts';
import type { PlacedRule, RuleState } from './rule-state.ts';
import type { TargetOperation } from './target-operation.ts';
import { addTouched, type RuleFacts, stillHolds, type WorkedOutRule, workOutRule } from './worked-out-rule.ts';
import {
  chooseWrite,
  NO_TURNS,
  type QueuedOperation,
  type TargetWrite,
  turnsAfter,
  type WriteTurns,
} from './write-choice.ts';

export type { TargetWrite, WorkedOutRule };

/** What planning remembers of a load balancer beside its previous plan: what was sent. */
export interface LaneMemory {
  readonly brake: BrakeHistory;
  readonly turns: WriteTurns;
}

export const EMPTY_MEMORY: LaneMemory = { brake: new Map(), turns: NO_TURNS };

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

export interface LanePlanInput extends Omit<RuleFacts, 'brake'> {
  readonly rules: readonly PlacedRule[];
  readonly memory: LaneMemory;
  readonly limits: LanePlanLimits;
  /** False for an operation that was sent before, did not show, and waits for its next try. */
  readonly mayTry: (operation: TargetOperation) => boolean;
  /** The plan before this one, which also tells since when things wait. Undefined only for the first plan of a lane. */
  readonly previous: LanePlan | undefined;
  /**
   * Ids of the rules about whose Pods something changed since `previous`. What changed in the other inputs, and what has
   * become due, is seen without being told, if what has not changed is the same object. The rules that nothing happened
   * to are taken over as they are.
   */
  readonly dirty: ReadonlySet<string> | 'all';
  /** How many targets the next write may carry; `limits.batchSizeMax` stays the ceiling. */
  readonly sizeMax: number;
  /** The lane has more work than it can send soon: a Pod that is not ready is not registered ahead of time. */
  readonly isSaturated: boolean;
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
  /** What it was worked out from, for the next plan to compare. */
  readonly basis: Pick<LanePlanInput, 'transactions' | 'quarantined'>;
}

/** Costs what has changed: rules that nothing happened to are only counted. */
export function planLane(input: LanePlanInput): LanePlan {
  const { previous, memory, transactions, quarantined } = input;
  const facts: RuleFacts = { ...input, brake: { history: memory.brake, limits: input.limits.brake } };
  const unsettled = changedBases(input);
  const rules = new Map<string, WorkedOutRule>();
  const touched = new Set<string>();
  for (const rule of input.rules) {
    const known = previous?.rules.get(rule.id);
    const isDirty = input.dirty === 'all' || input.dirty.has(rule.id);
    const isKept = known !== undefined && !isDirty && stillHolds(known, rule, facts, unsettled);
    const worked = isKept ? known : workOutRule(rule, facts, known);
    if (worked !== known) addTouched(touched, known?.state, worked.state);
    rules.set(rule.id, worked);
  }
  for (const [id, { state }] of previous?.rules ?? []) if (!rules.has(id)) addTouched(touched, state, undefined);
  return { ...gather(rules, input), rules, touched, memory, basis: { transactions, quarantined } };
}

/** The places of which a transaction or a refusal is another than in the previous plan. */
function changedBases({ previous, transactions, quarantined }: LanePlanInput): Set<string> {
  const places = new Set<string>();
  if (!previous) return places;
  addChanged(places, previous.basis.transactions, transactions);
  addChanged(places, previous.basis.quarantined, quarantined);
  return places;
}

function addChanged<T>(places: Set<string>, before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): void {
  if (before === after) return;
  for (const [key, value] of after) if (before.get(key) !== value) places.add(placeKeyOf(key));
  for (const key of before.keys()) if (!after.has(key)) places.add(placeKeyOf(key));
}

type Gathered = Omit<LanePlan, 'rules' | 'touched' | 'memory' | 'basis'>;

function gather(rules: ReadonlyMap<string, WorkedOutRule>, input: LanePlanInput): Gathered {
  const queue: QueuedOperation[] = [];
  const operations: TargetOperation[] = [];
  const holds: Hold[] = [];
  const orphans: Orphan[] = [];
  const foreign: ForeignTarget[] = [];
  const leftOut = new Map<string, number>();
  const states: RuleState[] = [];
  let lookAgainAt: number | undefined;
  for (const [id, worked] of rules) {
    const { plan, state } = worked;
    states.push(state);
    enqueue(worked, input, { queue, operations });
    if (plan.holds.length > 0) holds.push(...plan.holds);
    if (plan.orphans.length > 0) orphans.push(...plan.orphans);
    if (plan.foreign.length > 0) foreign.push(...plan.foreign);
    if (plan.leftOut > 0) leftOut.set(id, plan.leftOut);
    if (plan.lookAgainAt !== undefined) lookAgainAt = Math.min(lookAgainAt ?? plan.lookAgainAt, plan.lookAgainAt);
  }
  const sizeMax = Math.min(input.sizeMax, input.limits.batchSizeMax);
  const write = chooseWrite(queue, {
    sizeMax,
    agingMs: input.limits.agingMs,
    now: input.now,
    turns: input.memory.turns,
  });
  return { write, operations, holds, orphans, foreign, leftOut, states, lookAgainAt };
}

function enqueue(
  { plan, memory }: WorkedOutRule,
  { isSaturated, mayTry, now }: LanePlanInput,
  { queue, operations }: { queue: QueuedOperation[]; operations: TargetOperation[] },
): void {
  if (plan.operations.length === 0 && plan.early.length === 0) return;
  const makesRoom = plan.leftOut > 0;
  for (const list of isSaturated ? [plan.operations] : [plan.operations, plan.early]) {
    for (const operation of list) {
      operations.push(operation);
      if (!mayTry(operation)) continue;
      // What is ahead of its time is not lifted by waiting.
      queue.push({ operation, since: memory.wantedSince.get(operation.key)?.since ?? now, makesRoom });
    }
  }
}

/** The memory after a write was sent: it had its turn, and weak closings are charged to their rule's brake (law L2). */
export function chargeWrite(memory: LaneMemory, write: TargetWrite, limits: BrakeLimits, now: number): LaneMemory {
  const charges = new Map<string, number>();
  for (const operation of write.operations) {
    if (operation.kind !== 'close' || isStrong(operation.evidence)) continue;
    charges.set(operation.ruleId, (charges.get(operation.ruleId) ?? 0) + 1);
  }
  let { brake } = memory;
  for (const [ruleId, count] of charges) brake = chargeBrake(brake, ruleId, count, { limits, now });
  return { brake, turns: turnsAfter(memory.turns, write) };
}

/** The ids of the rules in which one of the Pods has a part. A rule that newly selects a Pod is not among them. */
export function rulesOf(plan: LanePlan, podUids: ReadonlySet<string>): Set<string> {
  const ids = new Set<string>();
  for (const [id, rule] of plan.rules) {
    for (const podUid of podUids) if (rule.podUids.has(podUid)) ids.add(id);
  }
  return ids;
}
