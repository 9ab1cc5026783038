import { isDeepStrictEqual } from 'node:util';
import type { StoredPod } from './core/report-store.ts';
import type { PodAnswer } from './kube/pod-confirmer.ts';

/** Law L12: whether the API server's Pod is the one that the agent reports: UID, node, labels, all its addresses, and no deletion of which the agent has not heard. */
export function agreesWithReport(answer: PodAnswer, { record, node }: StoredPod): boolean {
  return (
    answer.type === 'found' &&
    answer.uid === record.uid &&
    answer.nodeName === node &&
    (!answer.isDeleting || record.deletion !== undefined) &&
    record.addresses.every(address => answer.addresses.includes(address)) &&
    isDeepStrictEqual({ ...answer.labels }, { ...record.labels })
  );
}

/** Law L1: whether a consistent GET proves that the Pod with this UID is no more. */
export function provesGone(answer: PodAnswer, podUid: string): boolean {
  return (
    answer.type === 'missing' || answer.uid !== podUid || answer.phase === 'Succeeded' || answer.phase === 'Failed'
  );
}
