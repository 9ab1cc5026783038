import { isDeepStrictEqual } from 'node:util';
import { CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION } from '../common/names.ts';
import type { StoredPod } from './core/report-store.ts';
import type { PodAnswer } from './kube/pod-confirmer.ts';

/** What else of annotations an agent tells may differ from version to version. */
const WEIGHT_ANNOTATIONS = [CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION];

/**
 * Law L12: whether the API server's Pod is the one that the agent reports: UID, node, labels, all its addresses, and no
 * deletion of which the agent has not heard. Nor another weight (law L3): the agent may have lost the API server before
 * the user asked for it.
 */
export function agreesWithReport(answer: PodAnswer, { record, node }: StoredPod): boolean {
  return (
    answer.type === 'found' &&
    answer.uid === record.uid &&
    answer.nodeName === node &&
    (!answer.isDeleting || record.deletion !== undefined) &&
    record.addresses.every(address => answer.addresses.includes(address)) &&
    isDeepStrictEqual({ ...answer.labels }, { ...record.labels }) &&
    WEIGHT_ANNOTATIONS.every(annotation => answer.annotations[annotation] === record.annotations[annotation])
  );
}

/** Law L1: whether a consistent GET proves that the Pod with this UID is no more. */
export function provesGone(answer: PodAnswer, podUid: string): boolean {
  return (
    answer.type === 'missing' || answer.uid !== podUid || answer.phase === 'Succeeded' || answer.phase === 'Failed'
  );
}
