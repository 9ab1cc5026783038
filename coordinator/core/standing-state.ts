import { mayBeOpen } from './floor.ts';
import { type PlacedRule, type RuleState, type RuleStateInput, type RuleTarget, ruleState } from './rule-state.ts';

/** The state of a rule in which the announced end of a node counts only where others can take over (law L2). */
export function standingState(rule: PlacedRule, input: RuleStateInput): RuleState {
  const state = ruleState(rule, input);
  const isAnnounced = input.selected.some(pod => pod.nodeSign !== undefined);
  if (!isAnnounced || state.targets.some(mayTakeOver)) return state;
  return ruleState(rule, input, { keepsLeavingNodes: true });
}

/** Serves, as far as is known, and its node stays. */
function mayTakeOver(target: RuleTarget): boolean {
  const { bound, wanted } = target;
  if (!wanted || bound?.owner?.record.uid !== wanted.pod.record.uid || !mayBeOpen(target)) return false;
  const { pod, disposition } = wanted;
  if (pod.nodeSign) return false;
  // Not confirmed yet is no evidence against a target that is open already, say under a fresh leader.
  return disposition.kind === 'serve' || (disposition.kind === 'standby' && disposition.waitsFor === 'confirmation');
}
