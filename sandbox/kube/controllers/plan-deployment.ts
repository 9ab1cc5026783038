import { deploymentStatus, isComplete } from './deployment-status.ts';
import { byAge, newReplicaSetSize, planRollingUpdate, type Scaling } from './plan-rolling-update.ts';
import { isInUse, isScalingEvent, planScale, sizeAnnotations } from './plan-scale.ts';
import { sameTemplateAs, TEMPLATE_HASH_LABEL, templateHash } from './pod-template.ts';
import { type Deployment, type DeploymentStatus, type ReplicaSet, wantedReplicas } from './workloads.ts';

export const REVISION_ANNOTATION = 'deployment.kubernetes.io/revision';

const DEFAULT_REVISION_HISTORY_LIMIT = 10;

export interface DeploymentState {
  readonly deployment: Deployment;
  /** The ReplicaSets it controls. */
  readonly replicaSets: readonly ReplicaSet[];
  readonly nowMs: number;
}

export type DeploymentAction =
  | { readonly type: 'create'; readonly replicaSet: ReplicaSet }
  | { readonly type: 'update'; readonly replicaSet: ReplicaSet; readonly change: ReplicaSetChange }
  | { readonly type: 'delete'; readonly replicaSet: ReplicaSet }
  | { readonly type: 'setRevision'; readonly revision: string };

export interface ReplicaSetChange {
  readonly replicas?: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface DeploymentPlan {
  readonly actions: readonly DeploymentAction[];
  readonly status: DeploymentStatus;
}

/** One step towards what the Deployment asks for; every step's effect is seen before the next is planned. */
export function planDeployment(state: DeploymentState): DeploymentPlan {
  const { deployment, replicaSets, nowMs } = state;
  const isNewest = sameTemplateAs(deployment.spec.template);
  const newest = byAge(replicaSets).find(({ spec }) => isNewest(spec.template));
  const old = replicaSets.filter(replicaSet => replicaSet !== newest);
  const status = deploymentStatus(deployment, newest, replicaSets, nowMs);
  const isDeleted = deployment.metadata.deletionTimestamp !== undefined;
  return { actions: isDeleted ? [] : planActions(deployment, newest, old, status), status };
}

function planActions(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  status: DeploymentStatus,
): DeploymentAction[] {
  const all = newest ? [...old, newest] : old;
  if (deployment.spec.paused || isScalingEvent(deployment, all)) {
    return planScale(deployment, newest, old).flatMap(scaling => resize(deployment, scaling));
  }
  if (!newest) return [{ type: 'create', replicaSet: newReplicaSet(deployment, old) }];
  const revisions = planRevision(deployment, newest, old);
  if (revisions.length > 0) return revisions;
  const scalings = isRecreate(deployment)
    ? planRecreate(deployment, newest, old)
    : planRollingUpdate(deployment, newest, old);
  const steps = scalings.flatMap(scaling => resize(deployment, scaling));
  if (steps.length > 0 || !isComplete(deployment, status)) return steps;
  return planCleanup(deployment, old);
}

/** Old Pods go first; the new ones come when the last old one is gone. */
function planRecreate(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Scaling[] {
  const inUse = old.filter(isInUse);
  if (inUse.length > 0) return inUse.map(replicaSet => ({ replicaSet, replicas: 0 }));
  const isOldGone = old.every(({ status }) => (status?.replicas ?? 0) === 0);
  return isOldGone ? [{ replicaSet: newest, replicas: wantedReplicas(deployment) }] : [];
}

function isRecreate(deployment: Deployment): boolean {
  return deployment.spec.strategy?.type === 'Recreate';
}

function resize(deployment: Deployment, { replicaSet, replicas }: Scaling): DeploymentAction[] {
  const annotations = sizeAnnotations(deployment);
  const isAnnotated = Object.entries(annotations).every(
    ([key, value]) => replicaSet.metadata.annotations?.[key] === value,
  );
  if (isAnnotated && wantedReplicas(replicaSet) === replicas) return [];
  return [{ type: 'update', replicaSet, change: { replicas, annotations } }];
}

/** A template that comes back (rollback) becomes the newest revision again. */
function planRevision(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): DeploymentAction[] {
  const latest = Math.max(revisionOf(newest), 1 + Math.max(0, ...old.map(revisionOf)));
  const revision = String(latest);
  const actions: DeploymentAction[] = [];
  if (revisionOf(newest) !== latest) {
    actions.push({ type: 'update', replicaSet: newest, change: { annotations: { [REVISION_ANNOTATION]: revision } } });
  }
  if (deployment.metadata.annotations?.[REVISION_ANNOTATION] !== revision) {
    actions.push({ type: 'setRevision', revision });
  }
  return actions;
}

function planCleanup(deployment: Deployment, old: readonly ReplicaSet[]): DeploymentAction[] {
  const limit = deployment.spec.revisionHistoryLimit ?? DEFAULT_REVISION_HISTORY_LIMIT;
  const idle = old.filter(replicaSet => !isInUse(replicaSet) && (replicaSet.status?.replicas ?? 0) === 0);
  const excess = Math.max(0, old.length - limit);
  const byRevision = [...idle].sort((first, second) => revisionOf(first) - revisionOf(second));
  return byRevision.slice(0, excess).map(replicaSet => ({ type: 'delete', replicaSet }));
}

function newReplicaSet(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet {
  const { name, namespace = 'default', uid = '' } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template);
  const label = { [TEMPLATE_HASH_LABEL]: hash };
  const labels = { ...template.metadata?.labels, ...label };
  const mayStart = !isRecreate(deployment) || old.every(({ status }) => (status?.replicas ?? 0) === 0);
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: {
        ...sizeAnnotations(deployment),
        [REVISION_ANNOTATION]: String(1 + Math.max(0, ...old.map(revisionOf))),
      },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: {
      replicas: mayStart ? newReplicaSetSize(deployment, old, 0) : 0,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, ...label } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

function revisionOf(replicaSet: ReplicaSet): number {
  return Number(replicaSet.metadata.annotations?.[REVISION_ANNOTATION] ?? 0);
}
