import { type BrakeHistory, type BrakeLimits, brakeAllowance, brakeEasesAt } from './brake.ts';
import type { ClusterView } from './cluster-view.ts';
import { type DrainEvidence, isStrong } from './disposition.ts';
import { countOpen, holdLastOpenUntil, isMeantToServe, isOpen, mayBeOpen, type OpenCount } from './floor.ts';
import type { Mark } from './mark.ts';
import type { RuleState, RuleTarget } from './rule-state.ts';
import type { TargetOperation } from './target-operation.ts';
import { wishOf } from './wish.ts';

/** What one rule may change now, and what it has to wait for. */
export interface RulePlan {
  readonly operations: readonly TargetOperation[];
  readonly holds: readonly Hold[];
  readonly orphans: readonly Orphan[];
  readonly foreign: readonly ForeignTarget[];
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

/** A change that evidence asks for and law L2 keeps back. */
export interface Hold {
  readonly key: string;
  readonly ruleId: string;
  readonly podUid: string;
  readonly reason: 'last-open-target' | 'brake' | 'replacements-not-serving';
  /** When to look again without another cause. */
  readonly until: number | undefined;
}

/** A binding with our mark whose Pod nobody vouches for: to be proven one by one. */
export interface Orphan {
  readonly key: string;
  readonly mark: Mark;
}

export interface RulePlanInput {
  readonly state: RuleState;
  readonly view: ClusterView;
  readonly cluster: string;
  readonly brake: { readonly history: BrakeHistory; readonly limits: BrakeLimits };
  readonly unselected: UnselectedTargets;
  readonly now: number;
}

/** Bound targets whose Pod the rule has stopped to select, by key. */
export interface UnselectedTargets {
  /** When it was first seen. */
  readonly since: ReadonlyMap<string, number>;
  /** When it was first read back at weight 0: its connections end from then on. */
  readonly closedSince: ReadonlyMap<string, number>;
}

/** Design section 4: after this a changed selector no longer waits for the new Pods to serve. */
export const SWITCH_MS = 120_000;
/** How long a Pod that is no longer selected keeps its closed binding, so that its connections can end. */
export const UNSELECTED_DRAIN_MS = 30_000;

export function planRule(input: RulePlanInput): RulePlan {
  const { rule } = input.state;
  const operations: TargetOperation[] = [];
  const closings: Closing[] = [];
  const orphans: Orphan[] = [];
  const foreign: ForeignTarget[] = [];
  for (const target of input.state.targets) {
    const wish = wishOf(target, { rule, view: input.view, cluster: input.cluster });
    if (wish.kind === 'prove') orphans.push({ key: target.key, mark: wish.mark });
    if (wish.kind === 'foreign') {
      const { address, port } = target.place;
      foreign.push({ key: target.key, ruleId: rule.id, address, port, podUid: wish.pod.record.uid });
    }
    if (wish.kind !== 'change') continue;
    const operation = { ...wish.change, key: target.key, place: target.place, ruleId: rule.id, podUid: wish.podUid };
    if (operation.kind === 'close') closings.push({ target, operation, evidence: operation.evidence });
    else if (mayGo(operation, input)) operations.push(operation);
  }
  const { allowed, holds } = releaseClosings(closings, input);
  return { operations: [...allowed, ...operations], holds, orphans, foreign };
}

interface Closing {
  readonly target: RuleTarget;
  readonly operation: TargetOperation;
  readonly evidence: DrainEvidence;
}

function mayGo(operation: TargetOperation, input: RulePlanInput): boolean {
  if (operation.kind !== 'deregister' || operation.evidence !== 'unselected') return true;
  const closedSince = input.unselected.closedSince.get(operation.key);
  return closedSince !== undefined && input.now - closedSince >= UNSELECTED_DRAIN_MS;
}

/** Strong evidence first, so that what it takes is counted before weak evidence gets its share. */
const CLOSING_ORDER: readonly DrainEvidence[] = ['deletion', 'exit', 'hook', 'unready', 'weight', 'unselected'];

function releaseClosings(closings: readonly Closing[], input: RulePlanInput) {
  const count = countOpen(input.state);
  const bound = input.state.targets.filter(target => target.bound?.mark).length;
  const rule = { id: input.state.rule.id, boundTargets: bound };
  let allowance = brakeAllowance(input.brake.history, rule, input.brake.limits, input.now);
  const allowed: TargetOperation[] = [];
  const holds: Hold[] = [];
  const ordered = CLOSING_ORDER.flatMap(evidence => closings.filter(closing => closing.evidence === evidence));
  for (const closing of ordered) {
    const hold = holdOf(closing, { count, allowance }, input);
    if (hold) {
      holds.push(hold);
      continue;
    }
    allowed.push(closing.operation);
    if (!isStrong(closing.evidence)) allowance -= 1;
    if (isOpen(closing.target)) count.open -= 1;
    count.weighted -= 1;
  }
  return { allowed, holds };
}

function holdOf(
  closing: Closing,
  left: { count: OpenCount; allowance: number },
  input: RulePlanInput,
): Hold | undefined {
  const { key, ruleId, podUid } = closing.operation;
  const hold = (reason: Hold['reason'], until: number | undefined): Hold => ({ key, ruleId, podUid, reason, until });
  const othersOpen = left.count.open - (isOpen(closing.target) ? 1 : 0);
  const last = left.count.weighted <= 1 || (mayBeOpen(closing.target) && othersOpen <= 0);
  if (closing.evidence === 'deletion') {
    const owner = closing.target.bound?.owner;
    const until = last && owner ? holdLastOpenUntil(input.state, owner, input.now) : undefined;
    return until === undefined ? undefined : hold('last-open-target', until);
  }
  if (last) return hold('last-open-target', undefined);
  if (isStrong(closing.evidence)) return undefined;
  if (left.allowance <= 0) {
    return hold('brake', brakeEasesAt(input.brake.history, ruleId, input.brake.limits, input.now));
  }
  return closing.evidence === 'unselected' ? holdForSwitch(closing, left.count, input) : undefined;
}

/** Make before break: an old target leaves only as new ones reach Serving, or after the switch time. */
function holdForSwitch(closing: Closing, count: OpenCount, input: RulePlanInput): Hold | undefined {
  const wanted = input.state.targets.filter(isMeantToServe);
  const isMade = wanted.length === 0 || (wanted.some(isOpen) && count.open - 1 >= wanted.length);
  const since = input.unselected.since.get(closing.operation.key) ?? input.now;
  if (isMade || input.now - since >= SWITCH_MS) return undefined;
  const { key, ruleId, podUid } = closing.operation;
  return { key, ruleId, podUid, reason: 'replacements-not-serving', until: since + SWITCH_MS };
}
