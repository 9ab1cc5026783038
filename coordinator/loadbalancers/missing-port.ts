import type { PodRecord } from '../../common/pod-record.ts';
import { PodPhase } from '../../common/pod-record.ts';
import { type Rule, ruleLabel, selects, targetPortOf } from '../core/rule.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';

/**
 * The rule names a port that no container of its Pods has. Undefined while it selects no living Pod: then nothing is
 * known; and while some have the port: a changed name reaches the Pods one after another.
 */
export function missingPort(rule: Rule, pods: readonly PodRecord[]): Problem | undefined {
  const living = pods.filter(pod => selects(rule, pod) && isLivingPod(pod));
  if (living.length === 0 || living.some(pod => targetPortOf(rule, pod) !== undefined)) return undefined;
  return problem(
    'CD1002',
    `${ownerName(rule.service)}: port ${ruleLabel(rule)} leads to the container port "${rule.targetPort}", which no ` +
      'container of its Pods has with that protocol. Correct targetPort, or name the port in the Pod template; until ' +
      'then no Pod is bound for this port.',
  );
}

/** Neither ended nor on its way out. */
export function isLivingPod(pod: PodRecord): boolean {
  return pod.deletion === undefined && pod.phase !== PodPhase.SUCCEEDED && pod.phase !== PodPhase.FAILED;
}
