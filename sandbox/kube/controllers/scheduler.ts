import type { Node, Pod } from '../../../common/kube/objects.ts';
import { hasStatus, STRATEGIC_MERGE_PATCH } from '../kube-client.ts';
import { objectKey, objectPath } from '../resource-path.ts';
import { formatTimestamp } from '../timestamp.ts';
import { chooseNode } from './choose-node.ts';
import type { ControllerContext } from './cluster-caches.ts';
import { type KeyLoop, keyLoop } from './key-loop.ts';

const DEFAULT_SCHEDULER = 'default-scheduler';

/** Binds Pods that have no node. Call before the caches run. */
export function scheduler(context: ControllerContext): KeyLoop {
  const { caches, clock, random, log } = context;
  /** Bindings that the watch has not told yet, by Pod key. */
  const assumed = new Map<string, Pod>();
  const pending = new Set<string>();
  const loop = keyLoop({
    clock,
    random,
    reconcile: async (key, signal) => {
      await schedule(context, assumed, key, signal);
      return 'done';
    },
    onError: (key, error) => log('Pod could not be scheduled', { key, error }),
  });
  caches.pods.onChange((now, before) => {
    const key = objectKey((now ?? before) as Pod);
    if (!now || now.spec.nodeName || now.metadata.uid !== assumed.get(key)?.metadata.uid) assumed.delete(key);
    if (now && needsNode(now)) {
      pending.add(key);
      loop.add(key);
    } else pending.delete(key);
    if (before?.spec.nodeName && (!now || hasEnded(now))) for (const waiting of pending) loop.add(waiting);
  });
  caches.nodes.onChange((now, before) => {
    if (isSameForScheduling(now, before)) return;
    for (const waiting of pending) loop.add(waiting);
  });
  return loop;
}

async function schedule(
  context: ControllerContext,
  assumed: Map<string, Pod>,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const { caches, client } = context;
  const pod = caches.pods.get(key);
  if (!pod || !needsNode(pod) || assumed.has(key)) return;
  const pods = [...caches.pods.values()].map(other => assumed.get(objectKey(other)) ?? other);
  const choice = chooseNode(pod, [...caches.nodes.values()], pods);
  if (choice.type === 'none') {
    await tellUnschedulable(context, pod, choice.message, signal);
    return;
  }
  const { name, namespace = 'default', uid } = pod.metadata;
  const target = { apiVersion: 'v1', kind: 'Node', name: choice.nodeName };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target };
  try {
    await client.create(objectPath('pods', pod, 'binding'), binding, signal);
  } catch (error) {
    if (hasStatus(error, 404, 409)) return;
    throw error;
  }
  if (caches.pods.get(key) === pod) assumed.set(key, { ...pod, spec: { ...pod.spec, nodeName: choice.nodeName } });
}

async function tellUnschedulable(
  { client, clock }: ControllerContext,
  pod: Pod,
  message: string,
  signal: AbortSignal,
): Promise<void> {
  const before = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (before?.status === 'False' && before.message === message) return;
  const lastTransitionTime = formatTimestamp(clock.wallNow());
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime };
  const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
  await client.patch(objectPath('pods', pod, 'status'), STRATEGIC_MERGE_PATCH, body, signal).catch(error => {
    if (!hasStatus(error, 404, 409)) throw error;
  });
}

function needsNode({ metadata, spec }: Pod): boolean {
  const { schedulerName = DEFAULT_SCHEDULER } = spec as { schedulerName?: string };
  return !spec.nodeName && metadata.deletionTimestamp === undefined && schedulerName === DEFAULT_SCHEDULER;
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** Heartbeats must not wake every waiting Pod. */
function isSameForScheduling(now: Node | undefined, before: Node | undefined): boolean {
  const relevant = (node: Node | undefined) =>
    JSON.stringify([node?.metadata.labels, node?.spec, node?.status?.allocatable, node?.status?.capacity]);
  return relevant(now) === relevant(before);
}
