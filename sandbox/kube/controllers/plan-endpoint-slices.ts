import type { KubeObject, Pod, Service } from '../../../common/kube/objects.ts';
import { isReady } from './pod-availability.ts';

export interface EndpointSlice extends KubeObject {
  addressType: string;
  endpoints: {
    addresses: string[];
    conditions: { ready: boolean; serving: boolean; terminating: boolean };
    nodeName?: string;
    targetRef?: { kind: 'Pod'; namespace?: string; name: string; uid?: string };
  }[];
  ports: { name: string; port: number; protocol: string }[];
}

/**
 * The slices of a Service with a selector: one per set of port numbers that its Pods resolve to (named target ports may
 * differ between Pods).
 */
export function planEndpointSlices(service: Service, pods: readonly Pod[]): EndpointSlice[] {
  const members = pods.filter(pod => isSelected(service, pod) && pod.status?.podIP && isAlive(pod));
  const groups = Map.groupBy(members, pod => JSON.stringify(portsFor(service, pod)));
  const slices = [...groups].sort(([first], [second]) => (first < second ? -1 : 1));
  return slices.map(([ports, group], index) => sliceOf(service, JSON.parse(ports), group, index));
}

function sliceOf(service: Service, ports: EndpointSlice['ports'], pods: readonly Pod[], index: number): EndpointSlice {
  const { name, namespace = 'default', uid = '' } = service.metadata;
  const sorted = [...pods].sort((first, second) => (first.metadata.name < second.metadata.name ? -1 : 1));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${index}`,
      namespace,
      labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'sandbox' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType: 'IPv4',
    endpoints: sorted.map(pod => endpointOf(service, pod)),
    ports,
  };
}

function endpointOf(service: Service, pod: Pod): EndpointSlice['endpoints'][number] {
  const { name, namespace, uid, deletionTimestamp } = pod.metadata;
  const terminating = deletionTimestamp !== undefined;
  const serving = isReady(pod);
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready: service.spec.publishNotReadyAddresses || (serving && !terminating), serving, terminating },
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', name, ...(namespace && { namespace }), ...(uid && { uid }) },
  };
}

/** Ports without a container of that name are left out, as the real controller does. */
function portsFor(service: Service, pod: Pod): EndpointSlice['ports'] {
  return (service.spec.ports ?? []).flatMap(({ name = '', port, protocol = 'TCP', targetPort = port }) => {
    const number = typeof targetPort === 'number' ? targetPort : namedPort(pod, targetPort);
    return number === undefined ? [] : [{ name, port: number, protocol }];
  });
}

function namedPort(pod: Pod, name: string): number | undefined {
  const ports = pod.spec.containers.flatMap(container => container.ports ?? []);
  return ports.find(port => port.name === name)?.containerPort;
}

function isSelected(service: Service, pod: Pod): boolean {
  const wanted = Object.entries(service.spec.selector ?? {});
  const isSameNamespace = service.metadata.namespace === pod.metadata.namespace;
  return wanted.length > 0 && isSameNamespace && wanted.every(([key, value]) => pod.metadata.labels?.[key] === value);
}

function isAlive({ status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}
