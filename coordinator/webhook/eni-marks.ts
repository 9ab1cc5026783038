import type { Pod } from '../../common/kube/objects.ts';

const NETWORKS_ANNOTATION = 'tke.cloud.tencent.com/networks';
const POD_TYPE_ANNOTATION = 'tke.cloud.tencent.com/pod-type';
const INSTANCE_TYPE_LABEL = 'node.kubernetes.io/instance-type';
const SUPER_NODE = 'eklet';
const ENI_NETWORKS = ['tke-route-eni', 'tke-direct-eni'];
const ENI_RESOURCES = [
  'tke.cloud.tencent.com/eni-ip',
  'tke.cloud.tencent.com/direct-eni',
  'tke.cloud.tencent.com/sub-eni',
];

/** What a Pod that is being created says about its network; status and node are not known yet. */
export type EniMark = 'hostNetwork' | 'superNode' | 'eni' | 'otherNetwork' | 'none';

/**
 * TKE's marks in the documented order: host network, super node, ENI resource, networks annotation.
 * Source: TKE documents 457/34993 and VPC-CNI; the order is ours, from what decides first on a node.
 */
export function eniMark(pod: Pod): EniMark {
  if (pod.spec.hostNetwork) return 'hostNetwork';
  if (isForSuperNode(pod)) return 'superNode';
  if (requestsEni(pod)) return 'eni';
  return namedNetwork(pod) ?? 'none';
}

/** A toleration alone says only that the Pod may land there. */
function isForSuperNode(pod: Pod): boolean {
  const podType = pod.metadata.annotations?.[POD_TYPE_ANNOTATION];
  return podType === SUPER_NODE || pod.spec.nodeSelector?.[INSTANCE_TYPE_LABEL] === SUPER_NODE;
}

function requestsEni(pod: Pod): boolean {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(({ resources }) => {
    const amounts = { ...resources?.limits, ...resources?.requests };
    return ENI_RESOURCES.some(name => Number(amounts[name] ?? 0) !== 0);
  });
}

/** A Pod that names its networks has no other. */
function namedNetwork(pod: Pod): EniMark | undefined {
  const networks = pod.metadata.annotations?.[NETWORKS_ANNOTATION];
  if (!networks) return undefined;
  return networks.split(',').some(name => ENI_NETWORKS.includes(name.trim())) ? 'eni' : 'otherNetwork';
}
