import type { Pod } from './kube/objects.ts';

/** TKE's marks of Pods on elastic network interfaces (tke-conventions section 2.1), for webhook and agent alike. */
export const NETWORKS_ANNOTATION = 'tke.cloud.tencent.com/networks';
export const POD_TYPE_ANNOTATION = 'tke.cloud.tencent.com/pod-type';
export const SUPER_NODE_POD_TYPE = 'eklet';

/** Extended resources of which a Pod on an elastic network interface requests one, and that nodes with such interfaces offer. */
export const ENI_RESOURCES = [
  'tke.cloud.tencent.com/eni-ip',
  'tke.cloud.tencent.com/direct-eni',
  'tke.cloud.tencent.com/sub-eni',
];
/** CNI configurations that hand out addresses of elastic network interfaces. */
const ENI_NETWORKS = ['tke-route-eni', 'tke-direct-eni'];

/** The ENI resource that some container of the Pod requests, if any. */
export function requestedEniResource(pod: Pod): string | undefined {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  return ENI_RESOURCES.find(name =>
    containers.some(({ resources }) => Number(resources?.requests?.[name] ?? resources?.limits?.[name] ?? 0) !== 0),
  );
}

/** Whether one of these CNI configurations is an ENI's. */
export function isEniNetwork(name: string): boolean {
  return ENI_NETWORKS.includes(name.trim());
}
