import type { WorkResult } from '../../../common/workers.ts';
import { hasStatus, MERGE_PATCH } from '../kube-client.ts';
import { collectionPath, objectKey, objectPath } from '../resource-path.ts';
import type { ControllerContext } from './cluster-caches.ts';
import { type KeyLoop, keyLoop } from './key-loop.ts';
import { type DeploymentAction, planDeployment, REVISION_ANNOTATION } from './plan-deployment.ts';
import { controllerOf, type Deployment, type DeploymentStatus, type ReplicaSet } from './workloads.ts';

/** How often a rollout's progress deadline is looked at. */
const PROGRESS_CHECK_MS = 60_000;

/** Leads each Deployment step by step to its newest template. Call before the caches run. */
export function deploymentController(context: ControllerContext): KeyLoop {
  const { caches, clock, random, log } = context;
  const loop = keyLoop({
    clock,
    random,
    reconcile: (key, signal) => reconcile(context, loop, key, signal),
    onError: (key, error) => log('Deployment could not be reconciled', { key, error }),
  });
  caches.deployments.onChange((now, before) => {
    const deployment = now ?? before;
    if (deployment) loop.add(objectKey(deployment));
  });
  caches.replicaSets.onChange((now, before) => {
    const replicaSet = now ?? before;
    const owner = replicaSet && controllerOf(replicaSet);
    if (owner) loop.add(`${replicaSet?.metadata.namespace}/${owner.name}`);
  });
  return loop;
}

async function reconcile(
  context: ControllerContext,
  loop: KeyLoop,
  key: string,
  signal: AbortSignal,
): Promise<WorkResult> {
  const { caches, clock } = context;
  const deployment = caches.deployments.get(key);
  if (!deployment) return 'done';
  const replicaSets = caches.replicaSets.inGroup(deployment.metadata.uid);
  const plan = planDeployment({ deployment, replicaSets, nowMs: clock.wallNow() });
  await writeStatus(context, deployment, plan.status, signal);
  for (const action of plan.actions) await perform(context, deployment, action, signal);
  if (plan.actions.length > 0) loop.add(key);
  const isWaiting = plan.status.conditions.some(({ reason }) => reason === 'ReplicaSetUpdated');
  return isWaiting ? { retryAfterMs: PROGRESS_CHECK_MS } : 'done';
}

async function perform(
  { client, caches }: ControllerContext,
  deployment: Deployment,
  action: DeploymentAction,
  signal: AbortSignal,
): Promise<void> {
  switch (action.type) {
    case 'create': {
      const path = collectionPath('replicasets', deployment.metadata.namespace);
      caches.replicaSets.assume(await client.create<ReplicaSet>(path, action.replicaSet, signal));
      return;
    }
    case 'update': {
      const { replicas, annotations } = action.change;
      const body = { metadata: { annotations }, ...(replicas !== undefined && { spec: { replicas } }) };
      const path = objectPath('replicasets', action.replicaSet);
      caches.replicaSets.assume(await client.patch<ReplicaSet>(path, MERGE_PATCH, body, signal));
      return;
    }
    case 'delete':
      await client.delete(objectPath('replicasets', action.replicaSet), {}, signal).catch(error => {
        if (!hasStatus(error, 404)) throw error;
      });
      return;
    case 'setRevision': {
      const body = { metadata: { annotations: { [REVISION_ANNOTATION]: action.revision } } };
      // With the status, as the real controller does: otherwise it would be a new generation.
      const path = objectPath('deployments', deployment, 'status');
      caches.deployments.assume(await client.patch<Deployment>(path, MERGE_PATCH, body, signal));
      return;
    }
  }
}

async function writeStatus(
  { client, caches }: ControllerContext,
  deployment: Deployment,
  status: DeploymentStatus,
  signal: AbortSignal,
): Promise<void> {
  if (isSameStatus(deployment.status, status)) return;
  const path = objectPath('deployments', deployment, 'status');
  caches.deployments.assume(await client.patch<Deployment>(path, MERGE_PATCH, { status }, signal));
}

function isSameStatus(before: Partial<DeploymentStatus> | undefined, now: DeploymentStatus): boolean {
  if (!before) return false;
  const { conditions: conditionsBefore = [], ...countsBefore } = before;
  const { conditions, ...counts } = now;
  const isSameCounts = Object.entries(counts).every(
    ([field, value]) => (countsBefore[field as keyof typeof counts] ?? 0) === value,
  );
  return (
    isSameCounts && conditions.every(condition => conditionsBefore.some(other => isSameCondition(other, condition)))
  );
}

function isSameCondition(
  first: DeploymentStatus['conditions'][number],
  second: DeploymentStatus['conditions'][number],
): boolean {
  return (
    first.type === second.type &&
    first.status === second.status &&
    first.reason === second.reason &&
    first.lastUpdateTime === second.lastUpdateTime
  );
}
