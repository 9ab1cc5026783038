import { humanDuration } from './age.ts';
import { ingressAddresses, ingressClass, ingressHosts, ingressPorts } from './ingress-printing.ts';
import {
  type ApiObject,
  arrayOf,
  type Json,
  type JsonObject,
  numberOf,
  objectOf,
  objectsOf,
  stringOf,
  valueAt,
} from './json.ts';
import {
  DEPLOYMENT,
  EVENT,
  INGRESS,
  INGRESS_CLASS,
  type Kind,
  LEASE,
  NAMESPACE,
  NODE,
  POD,
  REPLICA_SET,
  SERVICE,
} from './kinds.ts';
import { podReadiness, podReadinessGates, podRestarts, podStatus } from './pod-printing.ts';
import { scaleOf } from './scale.ts';

export interface Column {
  readonly name: string;
  readonly type?: 'string' | 'integer';
  readonly format?: 'name';
  /** Only shown by `-o wide`. */
  readonly wide?: boolean;
  readonly cell: (object: ApiObject, wallNow: number) => Json;
}

const NAME: Column = { name: 'Name', format: 'name', cell: object => object.metadata.name };
const AGE: Column = { name: 'Age', cell: (object, now) => ageOf(object.metadata.creationTimestamp, now) };

const POD_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Ready', cell: podReadiness },
  { name: 'Status', cell: podStatus },
  { name: 'Restarts', cell: (pod, now) => podRestarts(pod, now) },
  AGE,
  { name: 'IP', wide: true, cell: pod => orNone(valueAt(pod, 'status', 'podIP')) },
  { name: 'Node', wide: true, cell: pod => orNone(valueAt(pod, 'spec', 'nodeName')) },
  { name: 'Nominated Node', wide: true, cell: pod => orNone(valueAt(pod, 'status', 'nominatedNodeName')) },
  { name: 'Readiness Gates', wide: true, cell: podReadinessGates },
];

const SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Type', cell: service => stringOf(objectOf(service.spec).type) },
  { name: 'Cluster-IP', cell: service => orNone(objectOf(service.spec).clusterIP) },
  { name: 'External-IP', cell: externalAddress },
  { name: 'Port(s)', cell: servicePorts },
  AGE,
  { name: 'Selector', wide: true, cell: service => mapText(objectOf(objectOf(service.spec).selector)) },
];

const WORKLOAD_WIDE: readonly Column[] = [
  { name: 'Containers', wide: true, cell: object => containerText(object, 'name') },
  { name: 'Images', wide: true, cell: object => containerText(object, 'image') },
  { name: 'Selector', wide: true, cell: object => stringOf(objectOf(scaleOf(object).status).selector) },
];

const DEPLOYMENT_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Ready', cell: object => `${statusCount(object, 'readyReplicas')}/${wantedReplicas(object)}` },
  { name: 'Up-to-date', cell: object => statusCount(object, 'updatedReplicas') },
  { name: 'Available', cell: object => statusCount(object, 'availableReplicas') },
  AGE,
  ...WORKLOAD_WIDE,
];

const REPLICA_SET_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Desired', type: 'integer', cell: wantedReplicas },
  { name: 'Current', type: 'integer', cell: object => statusCount(object, 'replicas') },
  { name: 'Ready', type: 'integer', cell: object => statusCount(object, 'readyReplicas') },
  AGE,
  ...WORKLOAD_WIDE,
];

const NODE_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Status', cell: nodeStatus },
  { name: 'Roles', cell: nodeRoles },
  AGE,
  { name: 'Version', cell: node => nodeInfo(node, 'kubeletVersion') },
  { name: 'Internal-IP', wide: true, cell: node => nodeAddress(node, 'InternalIP') },
  { name: 'External-IP', wide: true, cell: node => nodeAddress(node, 'ExternalIP') },
  { name: 'OS-Image', wide: true, cell: node => nodeInfo(node, 'osImage') || '<unknown>' },
  { name: 'Kernel-Version', wide: true, cell: node => nodeInfo(node, 'kernelVersion') || '<unknown>' },
  { name: 'Container-Runtime', wide: true, cell: node => nodeInfo(node, 'containerRuntimeVersion') || '<unknown>' },
];

const EVENT_COLUMNS: readonly Column[] = [
  { name: 'Last Seen', cell: (event, now) => ageOf(stringOf(event.lastTimestamp) || stringOf(event.eventTime), now) },
  { name: 'Type', cell: event => stringOf(event.type) },
  { name: 'Reason', cell: event => stringOf(event.reason) },
  { name: 'Object', cell: involvedObject },
  { name: 'Message', cell: event => stringOf(event.message).trim() },
];

const INGRESS_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Class', cell: ingressClass },
  { name: 'Hosts', cell: ingressHosts },
  { name: 'Address', cell: ingressAddresses },
  { name: 'Ports', cell: ingressPorts },
  AGE,
];

const INGRESS_CLASS_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Controller', cell: ingressClass => stringOf(objectOf(ingressClass.spec).controller) },
  AGE,
];

const BY_KIND: ReadonlyMap<Kind, readonly Column[]> = new Map<Kind, readonly Column[]>([
  [POD, POD_COLUMNS],
  [SERVICE, SERVICE_COLUMNS],
  [DEPLOYMENT, DEPLOYMENT_COLUMNS],
  [REPLICA_SET, REPLICA_SET_COLUMNS],
  [NODE, NODE_COLUMNS],
  [EVENT, EVENT_COLUMNS],
  [INGRESS, INGRESS_COLUMNS],
  [INGRESS_CLASS, INGRESS_CLASS_COLUMNS],
  [NAMESPACE, [NAME, { name: 'Status', cell: object => stringOf(objectOf(object.status).phase) }, AGE]],
  [LEASE, [NAME, { name: 'Holder', cell: object => stringOf(objectOf(object.spec).holderIdentity) }, AGE]],
]);

/** The real server's printer columns for the kinds people look at; name and age for the others. */
export function columnsOf(kind: Kind): readonly Column[] {
  return BY_KIND.get(kind) ?? [NAME, AGE];
}

function ageOf(timestamp: string | undefined, wallNow: number): string {
  return timestamp ? humanDuration(wallNow - Date.parse(timestamp)) : '<unknown>';
}

function orNone(value: Json | undefined): string {
  return stringOf(value) || '<none>';
}

function mapText(map: JsonObject): string {
  const pairs = Object.entries(map).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.sort().join(',') || '<none>';
}

function externalAddress(service: ApiObject): string {
  const spec = objectOf(service.spec);
  const external = arrayOf(spec.externalIPs).map(address => stringOf(address));
  if (spec.type === 'ExternalName') return stringOf(spec.externalName);
  if (spec.type !== 'LoadBalancer') return external.join(',') || '<none>';
  const ingress = objectsOf(valueAt(service, 'status', 'loadBalancer', 'ingress'));
  const addresses = ingress.map(({ ip, hostname }) => stringOf(ip) || stringOf(hostname));
  return [...addresses, ...external].filter(Boolean).join(',') || '<pending>';
}

function servicePorts(service: ApiObject): string {
  const ports = objectsOf(objectOf(service.spec).ports).map(({ port, nodePort, protocol }) =>
    nodePort ? `${String(port)}:${String(nodePort)}/${String(protocol)}` : `${String(port)}/${String(protocol)}`,
  );
  return ports.join(',') || '<none>';
}

function wantedReplicas(object: ApiObject): number {
  return numberOf(objectOf(object.spec).replicas) ?? 0;
}

function statusCount(object: ApiObject, field: string): number {
  return numberOf(objectOf(object.status)[field]) ?? 0;
}

function containerText(object: ApiObject, field: 'name' | 'image'): string {
  const containers = objectsOf(valueAt(object, 'spec', 'template', 'spec', 'containers'));
  return containers.map(container => stringOf(container[field])).join(',');
}

function nodeStatus(node: ApiObject): string {
  const ready = objectsOf(valueAt(node, 'status', 'conditions')).find(({ type }) => type === 'Ready');
  const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return objectOf(node.spec).unschedulable === true ? `${state},SchedulingDisabled` : state;
}

function nodeRoles(node: ApiObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(node.metadata.labels ?? {}).filter(key => key.startsWith(prefix));
  return roles.map(key => key.slice(prefix.length)).join(',') || '<none>';
}

function nodeInfo(node: ApiObject, field: string): string {
  return stringOf(valueAt(node, 'status', 'nodeInfo', field));
}

function nodeAddress(node: ApiObject, type: string): string {
  const found = objectsOf(valueAt(node, 'status', 'addresses')).find(address => address.type === type);
  return orNone(found?.address);
}

function involvedObject(event: ApiObject): string {
  const { kind, name } = objectOf(event.involvedObject);
  return `${stringOf(kind).toLowerCase()}/${stringOf(name)}`;
}
