import type { Pod } from '../../../common/kube/objects.ts';
import { parseTimestamp } from '../timestamp.ts';

/** Neither finished nor on its way out: what a ReplicaSet counts as one of its replicas. */
export function isActive(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase !== 'Succeeded' && phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined;
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** When the Pod became ready, in milliseconds since the epoch; undefined while it is not. */
export function readySince(pod: Pod): number | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? parseTimestamp(ready.lastTransitionTime) : undefined;
}

/** Milliseconds until the Pod counts as available; 0 when it does, undefined while it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const since = readySince(pod);
  return since === undefined ? undefined : Math.max(0, since + minReadySeconds * 1000 - nowMs);
}
