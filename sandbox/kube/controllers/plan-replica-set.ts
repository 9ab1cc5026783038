import type { Pod } from '../../../common/kube/objects.ts';
import { availableInMs, isActive, isReady } from './pod-availability.ts';
import { rankVictims } from './rank-victims.ts';
import { type ReplicaSet, type ReplicaSetStatus, wantedReplicas } from './workloads.ts';

/** The controller's burst: how many Pods one pass may create or delete. */
const BURST_REPLICAS = 500;

export interface ReplicaSetState {
  readonly replicaSet: ReplicaSet;
  /** The Pods it controls, ended ones included. */
  readonly pods: readonly Pod[];
  /** Pods of all ReplicaSets with the same owner, its own included. */
  readonly relatedPods: readonly Pod[];
  readonly nowMs: number;
}

export interface ReplicaSetPlan {
  readonly createCount: number;
  readonly victims: readonly Pod[];
  readonly status: ReplicaSetStatus;
  /** When a ready Pod will have been ready for `minReadySeconds`. */
  readonly recheckAfterMs?: number;
}

export function planReplicaSet(state: ReplicaSetState): ReplicaSetPlan {
  const { replicaSet, relatedPods, nowMs } = state;
  const active = state.pods.filter(isActive);
  const isDeleted = replicaSet.metadata.deletionTimestamp !== undefined;
  const missing = isDeleted ? 0 : wantedReplicas(replicaSet) - active.length;
  const surplus = Math.min(Math.max(0, -missing), BURST_REPLICAS);
  const waits = active.flatMap(pod => availableInMs(pod, replicaSet.spec.minReadySeconds ?? 0, nowMs) ?? []);
  const pending = waits.filter(waitMs => waitMs > 0);
  return {
    createCount: Math.min(Math.max(0, missing), BURST_REPLICAS),
    victims: surplus === 0 ? [] : rankVictims(active, relatedPods, nowMs).slice(0, surplus),
    status: {
      replicas: active.length,
      fullyLabeledReplicas: active.length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: waits.length - pending.length,
      observedGeneration: replicaSet.metadata.generation ?? 0,
    },
    ...(pending.length > 0 && { recheckAfterMs: Math.min(...pending) }),
  };
}

/** The Pod that the ReplicaSet makes; the API server gives it its name. */
export function podOf(replicaSet: ReplicaSet): Pod {
  const { metadata, spec } = replicaSet.spec.template;
  const { name, namespace = 'default', uid = '' } = replicaSet.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(metadata?.labels && { labels: metadata.labels }),
      ...(metadata?.annotations && { annotations: metadata.annotations }),
      ...(metadata?.finalizers && { finalizers: metadata.finalizers }),
      namespace,
      generateName: `${name}-`,
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    } as Pod['metadata'],
    spec,
  };
}
