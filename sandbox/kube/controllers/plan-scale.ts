import { byAge, type Scaling, sumReplicas } from './plan-rolling-update.ts';
import { rollingUpdateBounds } from './rolling-update-bounds.ts';
import { type Deployment, type ReplicaSet, wantedReplicas } from './workloads.ts';

const DESIRED_REPLICAS_ANNOTATION = 'deployment.kubernetes.io/desired-replicas';
const MAX_REPLICAS_ANNOTATION = 'deployment.kubernetes.io/max-replicas';

/** What a ReplicaSet remembers of its Deployment's size, so that a change of it can be told from a rollout's steps. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const wanted = wantedReplicas(deployment);
  return {
    [DESIRED_REPLICAS_ANNOTATION]: String(wanted),
    [MAX_REPLICAS_ANNOTATION]: String(wanted + rollingUpdateBounds(deployment).maxSurge),
  };
}

/** Whether `spec.replicas` changed since a ReplicaSet that has Pods was last sized. */
export function isScalingEvent(deployment: Deployment, replicaSets: readonly ReplicaSet[]): boolean {
  const wanted = String(wantedReplicas(deployment));
  return replicaSets.filter(isInUse).some(({ metadata }) => {
    const remembered = metadata.annotations?.[DESIRED_REPLICAS_ANNOTATION];
    return remembered !== undefined && remembered !== wanted;
  });
}

/** Sizes after a scale: all to the one in use, or spread in proportion in the middle of a rollout (sync.go, scale). */
export function planScale(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): readonly Scaling[] {
  const wanted = wantedReplicas(deployment);
  const inUse = [...old, ...(newest ? [newest] : [])].filter(isInUse);
  const only = inUse.length === 0 ? newest : inUse.length === 1 ? inUse[0] : undefined;
  if (only) return [{ replicaSet: only, replicas: wanted }];
  if (newest && isSaturated(newest, wanted)) {
    const emptied = old.filter(isInUse).map(replicaSet => ({ replicaSet, replicas: 0 }));
    return [...emptied, { replicaSet: newest, replicas: wanted }];
  }
  return scaleInProportion(deployment, inUse);
}

function scaleInProportion(deployment: Deployment, inUse: readonly ReplicaSet[]): Scaling[] {
  const wanted = wantedReplicas(deployment);
  const allowed = wanted > 0 ? wanted + rollingUpdateBounds(deployment).maxSurge : 0;
  const toAdd = allowed - sumReplicas(inUse);
  const sorted = bySize(inUse, toAdd);
  let left = toAdd;
  const scalings = sorted.map(replicaSet => {
    const share = limitTo(proportion(deployment, replicaSet, allowed), left);
    left -= share;
    return { replicaSet, replicas: wantedReplicas(replicaSet) + share };
  });
  return scalings.map((scaling, index) =>
    index === 0 ? { ...scaling, replicas: Math.max(0, scaling.replicas + left) } : scaling,
  );
}

/** The share of the change that falls to one ReplicaSet, by the size it had when the Deployment was last scaled. */
function proportion(deployment: Deployment, replicaSet: ReplicaSet, allowed: number): number {
  const size = wantedReplicas(replicaSet);
  if (wantedReplicas(deployment) === 0) return -size;
  const before = Number(replicaSet.metadata.annotations?.[MAX_REPLICAS_ANNOTATION] ?? allowed);
  return Math.round((size * allowed) / before) - size;
}

function limitTo(share: number, left: number): number {
  return left > 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
}

/** Largest first; of equal ones the newer grows first and the older shrinks first. */
function bySize(replicaSets: readonly ReplicaSet[], toAdd: number): ReplicaSet[] {
  const aged = byAge(replicaSets);
  const ordered = toAdd > 0 ? aged.reverse() : aged;
  return ordered.sort((first, second) => wantedReplicas(second) - wantedReplicas(first));
}

function isSaturated(newest: ReplicaSet, wanted: number): boolean {
  return wantedReplicas(newest) === wanted && newest.status?.availableReplicas === wanted;
}

export function isInUse(replicaSet: ReplicaSet): boolean {
  return wantedReplicas(replicaSet) > 0;
}
