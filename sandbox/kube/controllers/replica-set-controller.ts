import type { Pod } from '../../../common/kube/objects.ts';
import type { WorkResult } from '../../../common/workers.ts';
import { hasStatus, MERGE_PATCH } from '../kube-client.ts';
import { collectionPath, objectKey, objectPath } from '../resource-path.ts';
import type { ControllerContext } from './cluster-caches.ts';
import { type KeyLoop, keyLoop } from './key-loop.ts';
import { planReplicaSet, podOf } from './plan-replica-set.ts';
import { controllerOf, type ReplicaSet, type ReplicaSetStatus } from './workloads.ts';

/** Keeps as many Pods per ReplicaSet as it asks for, and its status true. Call before the caches run. */
export function replicaSetController(context: ControllerContext): KeyLoop {
  const { caches, clock, random, log } = context;
  const loop = keyLoop({
    clock,
    random,
    reconcile: (key, signal) => reconcile(context, key, signal),
    onError: (key, error) => log('ReplicaSet could not be reconciled', { key, error }),
  });
  caches.replicaSets.onChange((now, before) => addKeyOf(loop, now ?? before));
  caches.pods.onChange((now, before) => {
    const pod = now ?? before;
    const owner = pod && controllerOf(pod);
    if (owner?.kind === 'ReplicaSet') loop.add(`${pod?.metadata.namespace}/${owner.name}`);
  });
  return loop;
}

function addKeyOf(loop: KeyLoop, replicaSet: ReplicaSet | undefined): void {
  if (replicaSet) loop.add(objectKey(replicaSet));
}

async function reconcile(context: ControllerContext, key: string, signal: AbortSignal): Promise<WorkResult> {
  const { caches, clock } = context;
  const replicaSet = caches.replicaSets.get(key);
  if (!replicaSet) return 'done';
  const pods = caches.pods.inGroup(replicaSet.metadata.uid);
  const siblings = caches.replicaSets.inGroup(controllerOf(replicaSet)?.uid);
  const relatedPods = siblings.flatMap(({ metadata }) => caches.pods.inGroup(metadata.uid));
  const plan = planReplicaSet({ replicaSet, pods, relatedPods, nowMs: clock.wallNow() });
  await writeStatus(context, replicaSet, plan.status, signal);
  await createPods(context, replicaSet, plan.createCount, signal);
  await Promise.all(plan.victims.map(pod => deletePod(context, pod, signal)));
  return plan.recheckAfterMs === undefined ? 'done' : { retryAfterMs: plan.recheckAfterMs };
}

/** In batches of 1, 2, 4 …, so that a refusal (quota, webhook) costs one request and not hundreds. */
async function createPods(
  { client, caches }: ControllerContext,
  replicaSet: ReplicaSet,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  const path = collectionPath('pods', replicaSet.metadata.namespace);
  for (let created = 0, batch = 1; created < count; created += batch, batch *= 2) {
    const size = Math.min(batch, count - created);
    const requests = Array.from({ length: size }, () => client.create<Pod>(path, podOf(replicaSet), signal));
    const outcomes = await Promise.allSettled(requests);
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') caches.pods.assume(outcome.value);
    const refused = outcomes.find(({ status }) => status === 'rejected');
    if (refused) throw (refused as PromiseRejectedResult).reason;
  }
}

async function deletePod({ client, caches }: ControllerContext, pod: Pod, signal: AbortSignal): Promise<void> {
  const options = { preconditions: { uid: pod.metadata.uid } };
  const answer = await client.delete<Pod>(objectPath('pods', pod), options, signal).catch(error => {
    if (hasStatus(error, 404, 409)) return undefined;
    throw error;
  });
  if (answer?.metadata?.uid === pod.metadata.uid && answer) caches.pods.assume(answer);
}

async function writeStatus(
  { client, caches }: ControllerContext,
  replicaSet: ReplicaSet,
  status: ReplicaSetStatus,
  signal: AbortSignal,
): Promise<void> {
  const before: Partial<ReplicaSetStatus> = replicaSet.status ?? {};
  const fields = Object.keys(status) as (keyof ReplicaSetStatus)[];
  if (fields.every(field => (before[field] ?? 0) === status[field]) && replicaSet.status) return;
  const path = objectPath('replicasets', replicaSet, 'status');
  caches.replicaSets.assume(await client.patch<ReplicaSet>(path, MERGE_PATCH, { status }, signal));
}
