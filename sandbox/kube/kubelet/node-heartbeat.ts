import type { Condition, Lease, Node } from '../../../common/kube/objects.ts';
import { hasStatus, MERGE_PATCH, STRATEGIC_MERGE_PATCH } from '../kube-client.ts';
import { collectionPath, objectPath } from '../resource-path.ts';
import { formatMicroTimestamp, formatTimestamp } from '../timestamp.ts';
import type { KubeletContext, KubeletNode } from './kubelet-context.ts';

/** Of the real kubelet: lease renewals and status checks each take place this often. */
export const HEARTBEAT_PERIOD_MS = 10_000;

const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const PODS_PER_NODE = '110';
const NODE_INFO = { kubeletVersion: 'v1.34.4', containerRuntimeVersion: 'sandbox://1', osImage: 'sandbox' };

/** `nodeInfo` is what kubectl shows of a node. */
type NodeStatus = NonNullable<Node['status']> & { readonly nodeInfo: typeof NODE_INFO };

/** Registers the node where it is not, says that it is ready, and renews its lease. */
export async function beat(context: KubeletContext): Promise<void> {
  await renewLease(context);
  const node = await findNode(context);
  if (!node) {
    await context.client.create(
      collectionPath('nodes'),
      nodeObject(context.node, context.clock.wallNow()),
      context.signal,
    );
    return;
  }
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return;
  const body = { status: nodeStatus(context.node, context.clock.wallNow()) };
  await context.client.patch(objectPath('nodes', node, 'status'), STRATEGIC_MERGE_PATCH, body, context.signal);
}

async function findNode({ client, node, signal }: KubeletContext): Promise<Node | undefined> {
  try {
    return await client.get<Node>(`${collectionPath('nodes')}/${node.name}`, signal);
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

async function renewLease({ client, node, clock, signal }: KubeletContext): Promise<void> {
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: node.name, namespace: LEASE_NAMESPACE },
    spec: {
      holderIdentity: node.name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: formatMicroTimestamp(clock.wallNow()),
    },
  };
  try {
    await client.patch(objectPath('leases', lease), MERGE_PATCH, { spec: lease.spec }, signal);
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
    await client.create(collectionPath('leases', LEASE_NAMESPACE), lease, signal);
  }
}

function nodeObject(node: KubeletNode, nowMs: number): Node {
  const labels = { 'kubernetes.io/hostname': node.name, 'kubernetes.io/os': 'linux', ...node.labels };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels },
    spec: { podCIDR: node.podCidr, providerID: node.providerId },
    status: nodeStatus(node, nowMs),
  };
}

function nodeStatus(node: KubeletNode, nowMs: number): NodeStatus {
  const capacity = { pods: PODS_PER_NODE, ...node.capacity };
  const ready: Condition = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: 'kubelet is posting ready status',
    lastTransitionTime: formatTimestamp(nowMs),
  };
  const addresses = [
    { type: 'InternalIP', address: node.address },
    { type: 'Hostname', address: node.name },
  ];
  return { conditions: [ready], addresses, capacity, allocatable: capacity, nodeInfo: NODE_INFO };
}
