import { TKE_READINESS_GATE } from '../../common/names.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import { isLivingPod } from './missing-port.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** Pods of the object wait for a readiness gate that nobody opens while TKE's controller skips it. */
export function waitsForTke(service: ServiceIntent['service'], pods: readonly PodRecord[]): Problem | undefined {
  const waiting = pods.filter(pod => isLivingPod(pod) && pod.waitsForGate === TKE_READINESS_GATE);
  // By name, so that the same Pods give the same text.
  const [first] = waiting.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (!first) return undefined;
  const more = waiting.length > 1 ? ` (and ${waiting.length - 1} more)` : '';
  return problem(
    'CD1027',
    `${ownerName(service)}: Pod ${first.name}${more} is ready but for the readiness gate ${TKE_READINESS_GATE}, which TKE's ` +
      'controller opens only for what it does not skip; the Pod is not opened. Delete the Pod: its successor gets no such ' +
      'gate, unless another Service or Ingress that TKE serves selects it, too.',
  );
}
