import { PAUSED_ANNOTATION } from '../../common/names.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';
import type { Claim, RuleIntent, ServiceIntent } from './service-intent.ts';

/** The claim of an object that its user may have paused: then nothing of it is changed in CLB, also if it is deleted. */
export function pausedClaim(owner: OwnerRecord, claim: Claim): Claim {
  const value = owner.annotations[PAUSED_ANNOTATION];
  if (claim.kind !== 'claimed' || value === undefined || value === 'false') return claim;
  if (value === 'true') return { kind: 'claimed', intent: paused(owner, claim.intent) };
  const wrong = invalidValue(owner, value);
  if (!owner.finalized) return { kind: 'refused', problems: [wrong] };
  return { kind: 'claimed', intent: { ...claim.intent, problems: [...claim.intent.problems, wrong] } };
}

function paused(owner: OwnerRecord, intent: ServiceIntent): ServiceIntent {
  const rules = intent.rules.map(
    (rule): RuleIntent => ({ ...rule, isPaused: true, notToMake: rule.notToMake ?? 'pending' }),
  );
  return { ...intent, isPaused: true, rules, problems: [...intent.problems, isPausedProblem(owner)] };
}

function isPausedProblem(owner: OwnerRecord): Problem {
  const deletion = owner.deleting ? 'Its deletion waits for that. ' : '';
  return problem(
    'CD1013',
    `${ownerName(owner)}: nothing of it is changed in CLB while its annotation ${PAUSED_ANNOTATION} is "true": targets stay, ` +
      `gates of new Pods stay shut, and preStop hooks return at once. ${deletion}Remove the annotation to go on.`,
  );
}

function invalidValue(owner: OwnerRecord, value: string): Problem {
  const meanwhile = owner.finalized ? 'It is not paused' : 'It is not touched';
  return problem(
    'CD1001',
    `${ownerName(owner)}: annotation ${PAUSED_ANNOTATION} is "${value}", but only "true" and "false" are known. ` +
      `${meanwhile} until the value is corrected.`,
  );
}
