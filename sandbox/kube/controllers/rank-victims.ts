import type { Pod } from '../../../common/kube/objects.ts';
import { parseTimestamp } from '../timestamp.ts';
import { isActive, isReady, readySince } from './pod-availability.ts';

const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';
const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Pods in the order in which a scale-in gives them up: ActivePodsWithRanks of the ReplicaSet controller. `relatedPods`
 * are those of all ReplicaSets of the same owner: nodes that hold more of them give up first.
 */
export function rankVictims(pods: readonly Pod[], relatedPods: readonly Pod[], nowMs: number): Pod[] {
  const countByNode = new Map<string, number>();
  for (const { spec } of relatedPods.filter(isActive)) {
    if (spec.nodeName) countByNode.set(spec.nodeName, (countByNode.get(spec.nodeName) ?? 0) + 1);
  }
  const crowd = (pod: Pod) => countByNode.get(pod.spec.nodeName ?? '') ?? 0;
  const criteria: ((pod: Pod) => number | string)[] = [
    pod => (pod.spec.nodeName ? 1 : 0),
    pod => PHASE_ORDER[pod.status?.phase ?? 'Pending'] ?? 0,
    pod => (isReady(pod) ? 1 : 0),
    pod => Number(pod.metadata.annotations?.[DELETION_COST_ANNOTATION] ?? 0),
    pod => -crowd(pod),
    pod => ageBucket(readySince(pod), nowMs),
    pod => -restarts(pod),
    pod => ageBucket(parseTimestamp(pod.metadata.creationTimestamp), nowMs),
    pod => pod.metadata.uid ?? pod.metadata.name,
  ];
  return [...pods].sort((first, second) => compareBy(criteria, first, second));
}

function compareBy(criteria: readonly ((pod: Pod) => number | string)[], first: Pod, second: Pod): number {
  for (const criterion of criteria) {
    const [one, other] = [criterion(first), criterion(second)];
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}

/** Ages are compared by their binary logarithm, so that Pods of about the same age are chosen at random. */
function ageBucket(sinceMs: number | undefined, nowMs: number): number {
  return sinceMs === undefined ? 0 : Math.floor(Math.log2(Math.max(1, nowMs - sinceMs)));
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
}
