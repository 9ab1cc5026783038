import {
  isEniNetwork,
  NETWORKS_ANNOTATION,
  POD_TYPE_ANNOTATION,
  requestedEniResource,
  SUPER_NODE_POD_TYPE,
} from '../eni-marks.ts';
import type { Pod } from '../kube/objects.ts';
import type { Eni } from '../pod-record.ts';

/** What the operator says about the node's Pod network. */
export interface NodePolicy {
  /**
   * Every Pod of the node gets its address from VPC-CNI, so that a Pod without any mark has an elastic network interface
   * too; `auto` lets the Node object decide.
   */
  readonly pureVpcCni: boolean | 'auto';
}

/** Of a Pod without any mark, where the operator said nothing either. */
export const UNDECIDED_ENI: Eni = Object.freeze({
  attached: false,
  reason: 'no mark of an elastic network interface, on the Pod or its node',
});

const NETWORKS_STATUS_ANNOTATION = 'tke.cloud.tencent.com/networks-status';
const SUPER_NODE_PREFIX = 'eklet-';

/**
 * Tells whether CLB reaches the Pod's address directly, by the first rule of TKE's documented order that says something;
 * `UNDECIDED_ENI` where none does.
 */
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
  const isMarked = pod.metadata.annotations?.[POD_TYPE_ANNOTATION] === SUPER_NODE_POD_TYPE;
  if (isMarked) return { attached: true, reason: `annotation ${POD_TYPE_ANNOTATION}=${SUPER_NODE_POD_TYPE}` };
  if (pod.spec.nodeName?.startsWith(SUPER_NODE_PREFIX)) return { attached: true, reason: 'super node' };
  return undefined;
}

function byResource(pod: Pod): Eni | undefined {
  const resource = requestedEniResource(pod);
  return resource ? { attached: true, reason: `resource ${resource}` } : undefined;
}

function byNetworks(pod: Pod): Eni | undefined {
  const networks = pod.metadata.annotations?.[NETWORKS_ANNOTATION];
  if (!networks) return undefined;
  const attached = networks.split(',').some(isEniNetwork);
  return { attached, reason: `annotation ${NETWORKS_ANNOTATION}=${networks}` };
}

function byNetworksStatus(pod: Pod): Eni | undefined {
  const names = networkNames(pod.metadata.annotations?.[NETWORKS_STATUS_ANNOTATION]);
  if (names.length === 0) return undefined;
  const attached = names.some(isEniNetwork);
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

function byPolicy({ pureVpcCni }: NodePolicy): Eni {
  if (pureVpcCni === 'auto') return UNDECIDED_ENI;
  return pureVpcCni
    ? { attached: true, reason: 'every Pod of this node, by configuration' }
    : { attached: false, reason: 'no mark of an elastic network interface' };
}
