import { formatTimestamp, parseTimestamp } from '../timestamp.ts';
import { sumReplicas } from './plan-rolling-update.ts';
import { rollingUpdateBounds } from './rolling-update-bounds.ts';
import {
  type Deployment,
  type DeploymentCondition,
  type DeploymentStatus,
  type ReplicaSet,
  type ReplicaSetStatus,
  wantedReplicas,
} from './workloads.ts';

const DEFAULT_PROGRESS_DEADLINE_SECONDS = 600;

/** What `kubectl rollout status` and `kubectl get` read. */
export function deploymentStatus(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  nowMs: number,
): DeploymentStatus {
  const total = (field: keyof ReplicaSetStatus) => all.reduce((sum, { status }) => sum + (status?.[field] ?? 0), 0);
  const availableReplicas = total('availableReplicas');
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: total('replicas'),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: total('readyReplicas'),
    availableReplicas,
    unavailableReplicas: Math.max(0, sumReplicas(all) - availableReplicas),
  };
  const conditions = [
    availableCondition(deployment, counts.availableReplicas),
    progressing(deployment, newest, counts, nowMs),
  ];
  return { ...counts, conditions: conditions.map(condition => keepTransition(deployment, condition, nowMs)) };
}

/** All replicas are of the newest template and available, and no old one is left. */
export function isComplete(deployment: Deployment, counts: Omit<DeploymentStatus, 'conditions'>): boolean {
  const wanted = wantedReplicas(deployment);
  return counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas === wanted;
}

function availableCondition(deployment: Deployment, available: number): DeploymentCondition {
  const minimum = wantedReplicas(deployment) - rollingUpdateBounds(deployment).maxUnavailable;
  return available >= minimum
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

function progressing(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  counts: Omit<DeploymentStatus, 'conditions'>,
  nowMs: number,
): DeploymentCondition {
  const before = deployment.status?.conditions?.find(({ type }) => type === 'Progressing');
  const name = newest ? `ReplicaSet "${newest.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, counts)) {
    const message = `${name} has successfully progressed.`;
    return { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message };
  }
  const moved = hasProgressed(deployment, counts) || before?.reason === 'NewReplicaSetAvailable';
  const seconds = deployment.spec.progressDeadlineSeconds ?? DEFAULT_PROGRESS_DEADLINE_SECONDS;
  if (before && !moved && nowMs - parseTimestamp(before.lastUpdateTime) > seconds * 1000) {
    const message = `${name} has timed out progressing.`;
    return { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message };
  }
  if (before && !moved) return before;
  const message = `${name} is progressing.`;
  const lastUpdateTime = formatTimestamp(nowMs);
  return { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message, lastUpdateTime };
}

function hasProgressed(deployment: Deployment, counts: Omit<DeploymentStatus, 'conditions'>): boolean {
  const { updatedReplicas = 0, replicas = 0, readyReplicas = 0, availableReplicas = 0 } = deployment.status ?? {};
  return (
    counts.updatedReplicas > updatedReplicas ||
    counts.replicas - counts.updatedReplicas < replicas - updatedReplicas ||
    counts.readyReplicas > readyReplicas ||
    counts.availableReplicas > availableReplicas
  );
}

function keepTransition(deployment: Deployment, condition: DeploymentCondition, nowMs: number): DeploymentCondition {
  const before = deployment.status?.conditions?.find(({ type }) => type === condition.type);
  const now = formatTimestamp(nowMs);
  const isSameStatus = before?.status === condition.status;
  const isSame = isSameStatus && before?.reason === condition.reason;
  return {
    ...condition,
    lastTransitionTime: (isSameStatus && before?.lastTransitionTime) || now,
    lastUpdateTime: condition.lastUpdateTime ?? ((isSame && before?.lastUpdateTime) || now),
  };
}
