import { GateState, type PodRecord } from '../../common/pod-record.ts';
import type { Binding } from '../../coordinator/cloud/types.ts';
import { formatMark } from '../../coordinator/core/mark.ts';
import { podRecord } from '../../coordinator/core/pod.fixture.ts';
import type { ServiceRecord } from '../../coordinator/kube/service-reflector.ts';
import { listenerName } from '../../coordinator/loadbalancers/listener-name.ts';
import { serviceTags } from '../../coordinator/loadbalancers/ownership-tags.ts';
import { serviceRecord } from '../../coordinator/service.fixture.ts';
import { CLUSTER, VPC_ID } from '../leader-stand.ts';
import type { Balancer } from './instant-cloud.ts';

export interface ScaleSize {
  readonly pods: number;
  readonly services: number;
  readonly namespaces: number;
}

/** As many as a node of a large cluster holds. */
const PODS_PER_NODE = 20;
const PORT = 80;
const WEIGHT = 10;

/**
 * A large cluster at rest: every Service has a load balancer of its own, every Pod belongs to one Service, is bound there,
 * and has its gate open. Every record is made
 * anew each time, as records that come off the wire are.
 */
export class Population {
  readonly #size: ScaleSize;

  constructor(size: ScaleSize) {
    this.#size = size;
  }

  get nodes(): number {
    return Math.ceil(this.#size.pods / PODS_PER_NODE);
  }

  nodeOf(pod: number): string {
    return `node-${Math.floor(pod / PODS_PER_NODE)}`;
  }

  podsOf(node: number): PodRecord[] {
    const first = node * PODS_PER_NODE;
    const count = Math.min(PODS_PER_NODE, this.#size.pods - first);
    return Array.from({ length: count }, (_, index) => this.pod(first + index));
  }

  pod(pod: number, fields: Partial<PodRecord> = {}): PodRecord {
    const service = this.#serviceOf(pod);
    return podRecord({
      uid: podUid(pod),
      namespace: this.#namespaceOf(service),
      name: podName(service, pod),
      addresses: [addressOf(pod)],
      labels: { app: appOf(service), 'pod-template-hash': '5d4f8c7b9' },
      gate: GateState.OPEN,
      ...fields,
    });
  }

  services(): Map<string, ServiceRecord> {
    const services = Array.from({ length: this.#size.services }, (_, service) => this.#service(service));
    return new Map(services.map(service => [`${service.namespace}/${service.name}`, service]));
  }

  /** What CLB holds for each Service. */
  balancers(): Balancer[] {
    return Array.from({ length: this.#size.services }, (_, service) => ({
      ...emptyBalancer(service),
      bindings: () => this.#bindings(service),
    }));
  }

  #bindings(service: number): Binding[] {
    const { pods, services } = this.#size;
    const count = Math.ceil((pods - service) / services);
    return Array.from({ length: count }, (_, index) => this.#binding(service, service + index * services));
  }

  #binding(service: number, pod: number): Binding {
    const mark = {
      cluster: CLUSTER,
      namespace: this.#namespaceOf(service),
      name: podName(service, pod),
      podUid: podUid(pod),
    };
    const place = { listenerId: listenerId(service), locationId: '', address: addressOf(pod), port: PORT };
    return { ...place, weight: WEIGHT, tag: formatMark(mark) };
  }

  #service(service: number): ServiceRecord {
    return serviceRecord({
      uid: serviceUid(service),
      namespace: this.#namespaceOf(service),
      name: appOf(service),
      selector: { app: appOf(service) },
      ports: [{ port: PORT, protocol: 'TCP' }],
      recorded: [loadBalancerId(service)],
    });
  }

  /** Pods of one node belong to different Services. */
  #serviceOf(pod: number): number {
    return pod % this.#size.services;
  }

  #namespaceOf(service: number): string {
    return `team-${service % this.#size.namespaces}`;
  }
}

function emptyBalancer(service: number): Omit<Balancer, 'bindings'> {
  return {
    loadBalancer: {
      id: loadBalancerId(service),
      name: appOf(service),
      internal: false,
      running: true,
      virtualAddresses: [`100.64.${service >> 8}.${service & 255}`],
      addressFamily: 'IPv4',
      domain: '',
      vpcId: VPC_ID,
      tags: serviceTags(CLUSTER, serviceUid(service)),
      deleteProtected: false,
    },
    listener: {
      id: listenerId(service),
      name: listenerName(CLUSTER, serviceUid(service)),
      protocol: 'TCP',
      port: PORT,
      healthCheck: true,
      forwardingRules: [],
    },
  };
}

function podUid(pod: number): string {
  return `${String(pod).padStart(8, '0')}-8a52-4c61-9f3e-2f1d7c5b9e04`;
}

function podName(service: number, pod: number): string {
  return `${appOf(service)}-5d4f8c7b9-${pod}`;
}

function serviceUid(service: number): string {
  return `${String(service).padStart(8, '0')}-1b7d-4e8f-a3c2-6d9e0f4b8a15`;
}

function loadBalancerId(service: number): string {
  return `lb-${service}`;
}

function listenerId(service: number): string {
  return `lbl-${service}`;
}

function appOf(service: number): string {
  return `app-${service}`;
}

function addressOf(pod: number): string {
  return `10.${pod >> 16}.${(pod >> 8) & 255}.${pod & 255}`;
}
