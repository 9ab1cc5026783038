import type { Pod } from '../../common/kube/objects.ts';
import type { Eni } from '../../common/pod-record.ts';

/** What the operator says about the node's Pod network. */
export interface NodePolicy {
  /** Every Pod of the node gets its address from VPC-CNI, so that a Pod without any mark has an elastic network interface too. */
  readonly pureVpcCni: boolean;
}

const NETWORKS_ANNOTATION = 'tke.cloud.tencent.com/networks';
const NETWORKS_STATUS_ANNOTATION = 'tke.cloud.tencent.com/networks-status';
const POD_TYPE_ANNOTATION = 'tke.cloud.tencent.com/pod-type';
const SUPER_NODE_PREFIX = 'eklet-';
const ENI_RESOURCES = [
  'tke.cloud.tencent.com/eni-ip',
  'tke.cloud.tencent.com/direct-eni',
  'tke.cloud.tencent.com/sub-eni',
];
/** CNI configurations that hand out addresses of elastic network interfaces. */
const ENI_NETWORKS = ['tke-route-eni', 'tke-direct-eni'];

/** Tells whether CLB reaches the Pod's address directly, by the first rule of TKE's documented order that says something. */
export function detectEni(pod: Pod, policy: NodePolicy): Eni {
  return (
    byHostNetwork(pod) ??
    bySuperNode(pod) ??
    byResource(pod) ??
    byNetworks(pod) ??
    byNetworksStatus(pod) ??
    byPolicy(policy)
  );
}

function byHostNetwork(pod: Pod): Eni | undefined {
  return pod.spec.hostNetwork ? { attached: false, reason: 'hostNetwork' } : undefined;
}

function bySuperNode(pod: Pod): Eni | undefined {
  const isMarked = pod.metadata.annotations?.[POD_TYPE_ANNOTATION] === 'eklet';
  if (isMarked) return { attached: true, reason: `annotation ${POD_TYPE_ANNOTATION}=eklet` };
  if (pod.spec.nodeName?.startsWith(SUPER_NODE_PREFIX)) return { attached: true, reason: 'super node' };
  return undefined;
}

function byResource(pod: Pod): Eni | undefined {
  const resource = ENI_RESOURCES.find(name => requests(pod, name));
  return resource ? { attached: true, reason: `resource ${resource}` } : undefined;
}

function requests(pod: Pod, resource: string): boolean {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  return containers.some(({ resources }) => {
    const quantity = resources?.requests?.[resource] ?? resources?.limits?.[resource];
    return quantity !== undefined && String(quantity) !== '0';
  });
}

function byNetworks(pod: Pod): Eni | undefined {
  const networks = pod.metadata.annotations?.[NETWORKS_ANNOTATION];
  if (!networks) return undefined;
  const attached = networks.split(',').some(name => ENI_NETWORKS.includes(name.trim()));
  return { attached, reason: `annotation ${NETWORKS_ANNOTATION}=${networks}` };
}

function byNetworksStatus(pod: Pod): Eni | undefined {
  const names = networkNames(pod.metadata.annotations?.[NETWORKS_STATUS_ANNOTATION]);
  if (names.length === 0) return undefined;
  const attached = names.some(name => ENI_NETWORKS.includes(name));
  return { attached, reason: `annotation ${NETWORKS_STATUS_ANNOTATION} names ${names.join(', ')}` };
}

/** Empty for anything that is not Multus's JSON array of named networks. */
function networkNames(status: string | undefined): string[] {
  if (!status) return [];
  try {
    const networks: unknown = JSON.parse(status);
    if (!Array.isArray(networks)) return [];
    return networks.map(network => network?.name).filter(name => typeof name === 'string');
  } catch {
    return [];
  }
}

function byPolicy(policy: NodePolicy): Eni {
  return policy.pureVpcCni
    ? { attached: true, reason: 'every Pod of this node, by configuration' }
    : { attached: false, reason: 'no mark of an elastic network interface' };
}
