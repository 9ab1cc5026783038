import { sleep } from '../../../common/clock.ts';
import type { Node, Pod } from '../../../common/kube/objects.ts';
import { hasStatus, STRATEGIC_MERGE_PATCH } from '../kube-client.ts';
import { objectPath } from '../resource-path.ts';
import { formatTimestamp } from '../timestamp.ts';
import { type ControllerContext, NODE_LEASE_NAMESPACE } from './cluster-caches.ts';
import { keyLoop } from './key-loop.ts';
import { NODE_GRACE_MS, type NodeLifePlan, planNodeLife } from './plan-node-life.ts';
import { isReady } from './pod-availability.ts';

/** The controller manager's default (--node-monitor-period). */
const MONITOR_PERIOD_MS = 5_000;

interface Heartbeat {
  readonly renewTime: string;
  readonly seenAt: number;
}

export interface NodeLifeController {
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Taints cordoned and silent nodes, and takes a silent node's word back: Ready becomes Unknown, its Pods not ready.
 * Pods are not evicted. Call before the caches run.
 */
export function nodeLifeController(context: ControllerContext): NodeLifeController {
  const { caches, clock, random, log } = context;
  const heartbeats = new Map<string, Heartbeat>();
  const loop = keyLoop({
    clock,
    random,
    reconcile: async (key, signal) => {
      await reconcile(context, heartbeats, key, signal);
      return 'done';
    },
    onError: (key, error) => log('Node could not be updated', { key, error }),
  });
  caches.nodes.onChange((now, before) => {
    if (now) loop.add(now.metadata.name);
    else heartbeats.delete(before?.metadata.name ?? '');
  });
  const monitor = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      for (const { metadata } of caches.nodes.values()) loop.add(metadata.name);
      await sleep(clock, MONITOR_PERIOD_MS, signal).catch(() => undefined);
    }
  };
  return {
    async run(signal) {
      await Promise.all([loop.run(signal), monitor(signal)]);
    },
  };
}

async function reconcile(
  context: ControllerContext,
  heartbeats: Map<string, Heartbeat>,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const node = context.caches.nodes.get(name);
  if (!node) return;
  const plan = planNodeLife({ node, silentMs: silentMs(context, heartbeats, name) });
  if (plan.taints) await setTaints(context, node, plan.taints, signal);
  if (plan.isLost) await markLost(context, node, signal);
}

/** Only on the Node that was planned for, as the real controller does: else a taint that somebody has just taken off would come back. */
async function setTaints(
  { caches, client }: ControllerContext,
  node: Node,
  taints: NonNullable<NodeLifePlan['taints']>,
  signal: AbortSignal,
): Promise<void> {
  const { resourceVersion } = node.metadata;
  const body = { metadata: { resourceVersion }, spec: { taints } };
  caches.nodes.assume(await client.patch<Node>(objectPath('nodes', node), STRATEGIC_MERGE_PATCH, body, signal));
}

/** Renewals are timed by our own clock when they are first seen, as the real controller does. */
function silentMs({ caches, clock }: ControllerContext, heartbeats: Map<string, Heartbeat>, name: string): number {
  const renewTime = caches.leases.get(`${NODE_LEASE_NAMESPACE}/${name}`)?.spec?.renewTime ?? '';
  const before = heartbeats.get(name);
  if (before?.renewTime === renewTime) return clock.now() - before.seenAt;
  heartbeats.set(name, { renewTime, seenAt: clock.now() });
  return 0;
}

async function markLost(context: ControllerContext, node: Node, signal: AbortSignal): Promise<void> {
  const { caches, client, clock, log } = context;
  const { name } = node.metadata;
  log('Node is silent', { node: name, graceMs: NODE_GRACE_MS });
  const lastTransitionTime = formatTimestamp(clock.wallNow());
  const message = 'Kubelet stopped posting node status.';
  const condition = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime };
  const body = { status: { conditions: [condition] } };
  const path = objectPath('nodes', node, 'status');
  caches.nodes.assume(await client.patch<Node>(path, STRATEGIC_MERGE_PATCH, body, signal));
  for (const pod of caches.pods.values()) {
    if (pod.spec.nodeName === name && isReady(pod)) await markNotReady(context, pod, lastTransitionTime, signal);
  }
}

async function markNotReady(
  { client }: ControllerContext,
  pod: Pod,
  lastTransitionTime: string,
  signal: AbortSignal,
): Promise<void> {
  const condition = { type: 'Ready', status: 'False', lastTransitionTime };
  const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
  await client.patch(objectPath('pods', pod, 'status'), STRATEGIC_MERGE_PATCH, body, signal).catch(error => {
    if (!hasStatus(error, 404, 409)) throw error;
  });
}
