import { parseTimestamp } from '../timestamp.ts';
import { rollingUpdateBounds } from './rolling-update-bounds.ts';
import { type Deployment, type ReplicaSet, wantedReplicas } from './workloads.ts';

/** A new `spec.replicas` for one ReplicaSet. */
export interface Scaling {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

/** How many replicas a new ReplicaSet may have beside the old ones: as many as the surge leaves room for. */
export function newReplicaSetSize(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const wanted = wantedReplicas(deployment);
  const room = wanted + rollingUpdateBounds(deployment).maxSurge - sumReplicas(all);
  if (room <= 0) return current;
  return current + Math.max(0, Math.min(room, wanted - current));
}

/** One step of a rolling update: either the new ReplicaSet grows, or the old ones shrink (rolling.go). */
export function planRollingUpdate(
  deployment: Deployment,
  newest: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly Scaling[] {
  const current = wantedReplicas(newest);
  const size =
    current > wantedReplicas(deployment)
      ? wantedReplicas(deployment)
      : newReplicaSetSize(deployment, [...old, newest], current);
  if (size !== current) return [{ replicaSet: newest, replicas: size }];
  return shrinkOld(deployment, newest, old);
}

function shrinkOld(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Scaling[] {
  const minAvailable = wantedReplicas(deployment) - rollingUpdateBounds(deployment).maxUnavailable;
  const newUnavailable = wantedReplicas(newest) - available(newest);
  const removable = sumReplicas([...old, newest]) - minAvailable - newUnavailable;
  if (removable <= 0) return [];
  const sizes = new Map(byAge(old).map(replicaSet => [replicaSet, wantedReplicas(replicaSet)]));
  take(sizes, removable, (replicaSet, size) => Math.max(0, size - available(replicaSet)));
  const spare = sum([...old, newest].map(available)) - minAvailable;
  take(sizes, spare, (_replicaSet, size) => size);
  return [...sizes]
    .filter(([replicaSet, size]) => size !== wantedReplicas(replicaSet))
    .map(([replicaSet, replicas]) => ({ replicaSet, replicas }));
}

/** Takes up to `count` replicas away, oldest ReplicaSet first, from each no more than `removable` allows. */
function take(
  sizes: Map<ReplicaSet, number>,
  count: number,
  removable: (replicaSet: ReplicaSet, size: number) => number,
): void {
  let left = count;
  for (const [replicaSet, size] of sizes) {
    if (left <= 0) return;
    const taken = Math.min(left, removable(replicaSet, size));
    sizes.set(replicaSet, size - taken);
    left -= taken;
  }
}

/** Oldest first. */
export function byAge(replicaSets: readonly ReplicaSet[]): ReplicaSet[] {
  const createdAt = (replicaSet: ReplicaSet) => parseTimestamp(replicaSet.metadata.creationTimestamp);
  return [...replicaSets].sort(
    (first, second) => createdAt(first) - createdAt(second) || (first.metadata.name < second.metadata.name ? -1 : 1),
  );
}

export function sumReplicas(replicaSets: readonly ReplicaSet[]): number {
  return sum(replicaSets.map(wantedReplicas));
}

function available(replicaSet: ReplicaSet): number {
  return replicaSet.status?.availableReplicas ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
