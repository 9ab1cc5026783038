import { type BrakeHistory, type BrakeLimits, brakeAllowance, brakeEasesAt } from './brake.ts';
import type { PodView } from './cluster-view.ts';
import { type DrainEvidence, isStrong } from './disposition.ts';
import { countOpen, holdLastOpenUntil, isOpen, mayBeOpen, type OpenCount } from './floor.ts';
import type { RuleMemory } from './rule-memory.ts';
import type { RuleState, RuleTarget } from './rule-state.ts';
import { isMade, isReplaced, SWITCH_MS } from './switch.ts';
import type { TargetOperation } from './target-operation.ts';

/** A change that evidence asks for and law L2 keeps back; or L4, where the address may have another owner by now. */
export interface Hold {
  readonly key: string;
  readonly ruleId: string;
  readonly podUid: string;
  readonly reason: 'last-open-target' | 'brake' | 'replacements-not-serving' | 'unseen-pods';
  /** When to look again without another cause. */
  readonly until: number | undefined;
}

/** A target of which somebody or something wants weight 0. */
export interface Closing {
  readonly target: RuleTarget;
  readonly podUid: string;
  readonly evidence: DrainEvidence;
}

export interface ClosingsInput {
  readonly state: RuleState;
  /** Targets that serve or can come to serve. */
  readonly candidates: readonly RuleTarget[];
  /** Targets that would serve if CLB did not refuse them. */
  readonly refused: readonly RuleTarget[];
  /** Pods that can come to serve and have no address yet. */
  readonly awaited: readonly PodView[];
  /** There are nodes of whose Pods nobody has told yet. */
  readonly isPartial: () => boolean;
  readonly brake: { readonly history: BrakeHistory; readonly limits: BrakeLimits };
  readonly memory: Pick<RuleMemory, 'leaving' | 'capacity'>;
  readonly now: number;
}

interface Left {
  readonly count: OpenCount;
  allowance: number;
}

/**
 * The dead first, whose targets serve nobody and must not count as what is left when a living Pod's is judged. Then strong
 * evidence, so that what it takes is counted before weak evidence gets its share.
 */
const CLOSING_ORDER: readonly DrainEvidence[] = [
  'deletion',
  'exit',
  'hook',
  'unreachable',
  'unready',
  'node',
  'weight',
  'unselected',
  'quota',
];

/** Lets closings go as far as floor, brake and make-before-break allow (law L2). */
export function releaseClosings(
  closings: readonly Closing[],
  input: ClosingsInput,
): { readonly allowed: readonly TargetOperation[]; readonly holds: readonly Hold[] } {
  const allowed: TargetOperation[] = [];
  const holds: Hold[] = [];
  const left = { count: countOpen(input.state), allowance: allowanceOf(input) };
  for (const closing of inOrder(closings)) {
    const verdict = judge(closing, left, input);
    if (typeof verdict !== 'string') {
      holds.push(verdict);
      continue;
    }
    allowed.push(operationOf(closing, verdict, input));
    if (!isStrong(verdict)) left.allowance -= 1;
    if (isOpen(closing.target)) left.count.open -= 1;
    left.count.weighted -= 1;
  }
  return { allowed, holds };
}

function inOrder(closings: readonly Closing[]): readonly Closing[] {
  if (closings.length <= 1) return closings;
  const isOfTheDead = ({ target }: Closing) => target.bound?.owner === undefined;
  const living = closings.filter(closing => !isOfTheDead(closing));
  const ordered = CLOSING_ORDER.flatMap(evidence => living.filter(closing => closing.evidence === evidence));
  return [...closings.filter(isOfTheDead), ...ordered];
}

function allowanceOf({ state, brake, now }: ClosingsInput): number {
  const boundTargets = state.targets.filter(target => target.bound?.mark).length;
  return brakeAllowance(brake.history, { id: state.rule.id, boundTargets }, brake.limits, now);
}

function operationOf({ target, podUid }: Closing, evidence: DrainEvidence, input: ClosingsInput): TargetOperation {
  const { key, place } = target;
  return { kind: 'close', evidence, key, place, ruleId: input.state.rule.id, podUid };
}

/** The evidence on which the target may be closed now, or what keeps it open. */
function judge(closing: Closing, left: Left, input: ClosingsInput): DrainEvidence | Hold {
  const { target, evidence } = closing;
  if (input.state.rule.isDeparting) return evidence;
  const openLeft = left.count.open - (isOpen(target) ? 1 : 0);
  const isLast = left.count.weighted <= 1 || (mayBeOpen(target) && openLeft <= 0);
  if (evidence === 'deletion') return (isLast && holdForReplacement(closing, input)) || evidence;
  if (isLast) return hold(closing, input, { reason: 'last-open-target', until: undefined });
  if (isStrong(evidence)) return evidence;
  const isSwitch = evidence === 'unselected' || evidence === 'weight' || evidence === 'node';
  if (isSwitch && isReplaced(openLeft, input.memory.capacity)) return 'replaced';
  if (left.allowance <= 0) return holdForBrake(closing, input);
  return (isSwitch && holdForSwitch(closing, openLeft, input)) || evidence;
}

function holdForReplacement(closing: Closing, input: ClosingsInput): Hold | undefined {
  const owner = closing.target.bound?.owner;
  // What CLB refuses is tried again, and that may be in time.
  const candidates = [...input.candidates, ...input.refused];
  const until = owner && holdLastOpenUntil({ ...input, candidates }, owner);
  return until === undefined ? undefined : hold(closing, input, { reason: 'last-open-target', until });
}

function holdForBrake(closing: Closing, input: ClosingsInput): Hold {
  const { history, limits } = input.brake;
  const until = brakeEasesAt(history, input.state.rule.id, limits, input.now);
  return hold(closing, input, { reason: 'brake', until });
}

function holdForSwitch(closing: Closing, openLeft: number, input: ClosingsInput): Hold | undefined {
  const since = input.memory.leaving.get(closing.target.key)?.since ?? input.now;
  const isOver = input.now >= since + SWITCH_MS;
  if (isOver || (isMade(input.candidates, openLeft) && !isWithoutHeirs(closing, input))) return undefined;
  return hold(closing, input, { reason: 'replacements-not-serving', until: since + SWITCH_MS });
}

/** Nobody could take over: the new Pods are still to come, or CLB cannot reach them. What a user set to weight 0 is one. */
function isWithoutHeirs({ evidence }: Closing, { state }: ClosingsInput): boolean {
  if (evidence !== 'unselected') return false;
  return !state.targets.some(({ wanted, refusal }) => {
    const kind = refusal === undefined ? wanted?.disposition.kind : undefined;
    return kind === 'serve' || kind === 'standby';
  });
}

function hold({ target, podUid }: Closing, { state }: ClosingsInput, why: Pick<Hold, 'reason' | 'until'>): Hold {
  return { key: target.key, ruleId: state.rule.id, podUid, ...why };
}
