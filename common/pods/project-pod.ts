import { DEFAULT_INSTANCE, type InstanceNames, isOurGate } from '../instance-names.ts';
import type { Condition, Container, ContainerStatus, ObjectMeta, Pod } from '../kube/objects.ts';
import { CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION } from '../names.ts';
import { ContainerState, type Deletion, GateState, PodPhase, type PodRecord, Protocol } from '../pod-record.ts';
import { detectEni, type NodePolicy } from './detect-eni.ts';
import { hookKindOf } from './hook-kind.ts';
import { servingContainers } from './serving-containers.ts';

const OUR_ANNOTATION_PREFIX = 'clb-direct.io/';
const PHASES: Readonly<Record<string, PodPhase>> = {
  Pending: PodPhase.PENDING,
  Running: PodPhase.RUNNING,
  Succeeded: PodPhase.SUCCEEDED,
  Failed: PodPhase.FAILED,
};

/**
 * The slim record of a Pod. Accepts whatever the API server stores. The moment a deletion was first seen is not in the
 * object: `deletion.seenAtMs` is 0 until `PodTable` writes it.
 */
export function projectPod(pod: Pod, policy: NodePolicy, names: InstanceNames = DEFAULT_INSTANCE): PodRecord {
  const phase = PHASES[pod.status?.phase ?? ''] ?? PodPhase.UNSPECIFIED;
  return {
    uid: pod.metadata.uid ?? '',
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    addresses: addressesOf(pod, phase),
    labels: pod.metadata.labels ?? {},
    hostNetwork: pod.spec.hostNetwork ?? false,
    eni: detectEni(pod, policy),
    ports: servingContainers(pod.spec).flatMap(portsOf),
    phase,
    ready: isReady(pod),
    deletion: deletionOf(pod.metadata),
    containers: containersOf(pod),
    gate: gateOf(pod, names.readinessGate),
    annotations: plannedAnnotations(pod.metadata.annotations ?? {}),
    ...waitsForGate(pod),
    ...lostWithNode(pod),
    hook: hookKindOf(pod, names.hookPort),
    createdAtMs: Date.parse(pod.metadata.creationTimestamp ?? '') || 0,
    ...versionOf(pod.metadata),
  };
}

/** Absent where it cannot be compared: Kubernetes compares versions as whole decimal numbers. */
function versionOf({ resourceVersion = '' }: ObjectMeta): Pick<PodRecord, 'version'> {
  const version = /^\d+$/.test(resourceVersion) ? Number(resourceVersion) : Number.NaN;
  return Number.isSafeInteger(version) ? { version } : {};
}

function addressesOf(pod: Pod, phase: PodPhase): string[] {
  if (phase === PodPhase.SUCCEEDED || phase === PodPhase.FAILED) return [];
  const { podIPs, podIP } = pod.status ?? {};
  if (podIPs && podIPs.length > 0) return podIPs.map(({ ip }) => ip);
  return podIP ? [podIP] : [];
}

function portsOf(container: Container): PodRecord['ports'] {
  return (container.ports ?? []).flatMap(({ name, containerPort, protocol = 'TCP' }) =>
    protocol === 'SCTP' ? [] : [{ name: name ?? '', port: containerPort, protocol: Protocol[protocol] }],
  );
}

function isReady(pod: Pod): boolean {
  return ['ContainersReady', ...othersGates(pod)].every(type => isTrue(pod, type));
}

/** Absent unless a gate of others is all that the Pod waits for. */
function waitsForGate(pod: Pod): Pick<PodRecord, 'waitsForGate'> {
  const missing = othersGates(pod).find(type => !isTrue(pod, type));
  return missing !== undefined && isTrue(pod, 'ContainersReady') ? { waitsForGate: missing } : {};
}

/**
 * The controller of nodes takes Ready from the Pods of a node that fell silent, and leaves the rest of their status as it
 * was; a kubelet that calls a Pod not ready always gives a reason (kubernetes 1.34, `MarkPodsNotReady` and
 * `GeneratePodReadyCondition`).
 */
function lostWithNode(pod: Pod): Pick<PodRecord, 'lostWithNode'> {
  const ready = conditionOf(pod, 'Ready');
  const isLost = ready?.status === 'False' && !ready.reason && isTrue(pod, 'ContainersReady');
  return isLost ? { lostWithNode: true } : {};
}

function othersGates({ spec }: Pod): readonly string[] {
  return (spec.readinessGates ?? []).map(gate => gate.conditionType).filter(type => !isOurGate(type));
}

function isTrue(pod: Pod, type: string): boolean {
  return conditionOf(pod, type)?.status === 'True';
}

function conditionOf(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find(condition => condition.type === type);
}

/** Undefined as long as nobody asked for the deletion; `seenAtMs` as in `projectPod`. */
export function deletionOf(metadata: ObjectMeta): Deletion | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  return { seenAtMs: 0, gracePeriodSeconds: metadata.deletionGracePeriodSeconds ?? 0 };
}

function gateOf(pod: Pod, readinessGate: string): GateState {
  const hasGate = pod.spec.readinessGates?.some(gate => gate.conditionType === readinessGate);
  if (!hasGate) return GateState.ABSENT;
  return conditionOf(pod, readinessGate)?.status === 'True' ? GateState.OPEN : GateState.CLOSED;
}

function containersOf(pod: Pod): PodRecord['containers'] {
  const statuses = new Map<string, ContainerStatus>();
  for (const status of pod.status?.initContainerStatuses ?? []) statuses.set(status.name, status);
  for (const status of pod.status?.containerStatuses ?? []) statuses.set(status.name, status);
  return servingContainers(pod.spec).map(({ name }) => {
    const status = statuses.get(name);
    const containerId = containerIdOf(status);
    return { name, containerId, state: stateOf(status, containerId), restartCount: status?.restartCount ?? 0 };
  });
}

/** A status writes `containerd://<id>`; the runtime's own events name the bare id. */
function containerIdOf(status: ContainerStatus | undefined): string {
  const id = status?.containerID ?? status?.state?.terminated?.containerID ?? '';
  return id.slice(id.indexOf('://') === -1 ? 0 : id.indexOf('://') + 3);
}

/** A waiting container that has an id is between two starts: the one with that id has exited. */
function stateOf(status: ContainerStatus | undefined, containerId: string): ContainerState {
  if (status?.state?.running) return ContainerState.RUNNING;
  if (status?.state?.terminated || containerId !== '') return ContainerState.EXITED;
  return ContainerState.WAITING;
}

function plannedAnnotations(annotations: Record<string, string>): Record<string, string> {
  const isPlanned = (key: string) =>
    key.startsWith(OUR_ANNOTATION_PREFIX) ||
    key === CUSTOM_WEIGHT_ANNOTATION ||
    key === INGRESS_CUSTOM_WEIGHT_ANNOTATION;
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => isPlanned(key)));
}
