import type { BrakeHistory, BrakeLimits } from './brake.ts';
import type { ClusterView } from './cluster-view.ts';
import { type Observation, type PlaceObservation, placeKey, type TransactionTable } from './observation.ts';
import { decideQuota } from './quota.ts';
import type { RulePlace } from './rule.ts';
import {
  EMPTY_RULE_MEMORY,
  type RuleMemory,
  trackCapacity,
  trackClosed,
  trackExposed,
  trackLeaving,
  trackWanted,
} from './rule-memory.ts';
import { planRule, type RulePlan } from './rule-plan.ts';
import type { PlacedRule, RuleState, RuleTarget } from './rule-state.ts';
import { standingState } from './standing-state.ts';

/** What one rule is worked out from, beside the rule itself. */
export interface RuleFacts {
  readonly view: ClusterView;
  readonly cluster: string;
  readonly observation: Observation;
  readonly transactions: TransactionTable;
  readonly brake: { readonly history: BrakeHistory; readonly limits: BrakeLimits };
  /** Targets that CLB refuses, by binding key, with our code: they are left alone. */
  readonly quarantined: ReadonlyMap<string, string>;
  /** CLB's limit of targets on the listener or forwarding rule, foreign ones included. */
  readonly targetsPerRuleMax: (place: RulePlace) => number;
  readonly now: number;
}

/** One rule as far as it is worked out, for the next plan to take over. */
export interface WorkedOutRule {
  readonly state: RuleState;
  readonly plan: RulePlan;
  /** Every Pod that has a part in it: selected, or named by the mark of a target. */
  readonly podUids: ReadonlySet<string>;
  /** When it has to be worked out again though nothing happened. */
  readonly lookAgainAt: number | undefined;
  readonly memory: RuleMemory;
  readonly basis: RuleBasis;
}

/** The facts of which it is seen by comparison that they changed. */
interface RuleBasis {
  readonly placeKey: string;
  readonly observed: PlaceObservation | undefined;
  readonly charges: readonly number[] | undefined;
  readonly targetsMax: number;
}

export function workOutRule(rule: PlacedRule, facts: RuleFacts, known: WorkedOutRule | undefined): WorkedOutRule {
  const { view, now } = facts;
  const basis = basisOf(rule, facts);
  const selected = view.podsSelectedBy(rule);
  const state = standingState(rule, { ...facts, selected, pods: view.pods, observed: basis.observed });
  // What changed in a pause is news when it ends, or old targets would leave before new ones serve (law L2).
  const before = !known || known.state.rule.isPaused ? EMPTY_RULE_MEMORY : known.memory;
  const quota = decideQuota(state, { view, targetsMax: basis.targetsMax, now });
  const leaving = trackLeaving(state, before.leaving, { givesPlace: quota.givesPlace, now });
  const exposed = trackExposed(state, before, { view, now });
  const closed = trackClosed(state, before.closed, now);
  const capacity = trackCapacity(state, before);
  const plan = planRule({ ...facts, state, quota, memory: { leaving, exposed, capacity } });
  const wantedSince = trackWanted(plan.operations, before.wantedSince, now);
  const podUids = new Set(selected.map(pod => pod.record.uid));
  for (const { bound } of state.targets) if (bound?.mark) podUids.add(bound.mark.podUid);
  const memory = { wantedSince, leaving, exposed, closed, capacity };
  return { state, plan, podUids, lookAgainAt: plan.lookAgainAt, memory, basis };
}

/** Whether nothing but the rule's Pods can have changed what was worked out; `unsettled` are places with other changes. */
export function stillHolds(
  { state, lookAgainAt, basis }: WorkedOutRule,
  rule: PlacedRule,
  facts: RuleFacts,
  unsettled: ReadonlySet<string>,
): boolean {
  if (state.rule !== rule || unsettled.has(basis.placeKey)) return false;
  if (lookAgainAt !== undefined && facts.now >= lookAgainAt) return false;
  if (basis.observed !== facts.observation.places.get(basis.placeKey)) return false;
  return basis.charges === facts.brake.history.get(rule.id) && basis.targetsMax === facts.targetsPerRuleMax(rule.place);
}

function basisOf(rule: PlacedRule, facts: RuleFacts): RuleBasis {
  const key = placeKey(rule.place);
  return {
    placeKey: key,
    observed: facts.observation.places.get(key),
    charges: facts.brake.history.get(rule.id),
    targetsMax: facts.targetsPerRuleMax(rule.place),
  };
}

/** Adds the UIDs of the Pods whose targets look different. */
export function addTouched(touched: Set<string>, before: RuleState | undefined, after: RuleState | undefined): void {
  const known = new Map((before?.targets ?? []).map(target => [target.key, target]));
  for (const target of after?.targets ?? []) {
    const other = known.get(target.key);
    known.delete(target.key);
    if (other && looksSame(other, target)) continue;
    addPodsOf(touched, target);
    if (other) addPodsOf(touched, other);
  }
  for (const gone of known.values()) addPodsOf(touched, gone);
}

function addPodsOf(touched: Set<string>, { bound, wanted }: RuleTarget): void {
  if (bound?.mark) touched.add(bound.mark.podUid);
  if (wanted) touched.add(wanted.pod.record.uid);
}

function looksSame(a: RuleTarget, b: RuleTarget): boolean {
  if (a.transaction !== b.transaction || a.refusal !== b.refusal) return false;
  return isSameBound(a.bound, b.bound) && isSameWanted(a.wanted, b.wanted);
}

function isSameBound(a: RuleTarget['bound'], b: RuleTarget['bound']): boolean {
  if (!a || !b) return a === b;
  return a.weight === b.weight && a.health === b.health && a.mark?.podUid === b.mark?.podUid;
}

function isSameWanted(a: RuleTarget['wanted'], b: RuleTarget['wanted']): boolean {
  if (!a || !b) return a === b;
  if (a.pod.record.uid !== b.pod.record.uid || a.disposition.kind !== b.disposition.kind) return false;
  return (
    a.disposition.kind !== 'serve' || b.disposition.kind !== 'serve' || a.disposition.weight === b.disposition.weight
  );
}
