import { type ApiObject, type Metadata, numberOf, objectOf, withFields } from './json.ts';
import { timestampOf } from './timestamp.ts';

/** What a DELETE of a Pod does now. */
export type PodDeletion =
  /** Nothing: it is being deleted already, and not later than asked. */
  | { readonly step: 'pending' }
  /** The marks are gone beyond: remove as far as finalizers allow. */
  | { readonly step: 'remove' }
  /** Write the marks; with 0 seconds the removal follows at once. */
  | { readonly step: 'mark'; readonly metadata: Metadata; readonly gracePeriodSeconds: number };

/**
 * Graceful deletion as the real server decides it (k8s.io/apiserver rest.BeforeDelete and the Pod's
 * CheckGracefulDelete): a second DELETE can only shorten the period, counted from the first; Pods that never reached a
 * node, or have ended, go at once.
 */
export function planPodDeletion(pod: ApiObject, requestedSeconds: number | undefined, wallNowMs: number): PodDeletion {
  const { deletionTimestamp, deletionGracePeriodSeconds: pendingSeconds } = pod.metadata;
  if (deletionTimestamp === undefined) return firstDeletion(pod, requestedSeconds, wallNowMs);
  if (!pendingSeconds) return { step: 'remove' };
  if (requestedSeconds === undefined || requestedSeconds >= pendingSeconds) return { step: 'pending' };
  const startedMs = Date.parse(deletionTimestamp) - pendingSeconds * 1000;
  return marked(pod, requestedSeconds, startedMs);
}

function firstDeletion(pod: ApiObject, requestedSeconds: number | undefined, wallNowMs: number): PodDeletion {
  const spec = objectOf(pod.spec);
  const { phase } = objectOf(pod.status);
  const asked = requestedSeconds ?? numberOf(spec.terminationGracePeriodSeconds) ?? 0;
  const atOnce = !spec.nodeName || phase === 'Failed' || phase === 'Succeeded';
  const marking = marked(pod, atOnce ? 0 : asked < 0 ? 1 : asked, wallNowMs);
  const generation = pod.metadata.generation;
  if (marking.step !== 'mark' || generation === undefined) return marking;
  return { ...marking, metadata: { ...marking.metadata, generation: generation + 1 } };
}

function marked(pod: ApiObject, gracePeriodSeconds: number, startedMs: number): PodDeletion {
  return {
    step: 'mark',
    gracePeriodSeconds,
    metadata: withFields(pod.metadata, {
      deletionTimestamp: timestampOf(startedMs + gracePeriodSeconds * 1000),
      deletionGracePeriodSeconds: gracePeriodSeconds,
    }),
  };
}
