import type { Condition, ContainerStatus, Pod } from '../../../common/kube/objects.ts';
import { formatTimestamp } from '../timestamp.ts';

export interface PodObservation {
  /** As the API server last told it: its foreign conditions open the readiness gates. */
  readonly pod: Pod;
  readonly containers: readonly ContainerStatus[];
  readonly podIp: string | undefined;
  readonly nodeAddress: string;
  /** What was written last, so that transition times stay. */
  readonly written: readonly Condition[];
  readonly startedAtMs: number;
  readonly nowMs: number;
}

export type PodStatus = NonNullable<Pod['status']>;

/** What the kubelet writes: its own fields and conditions only. */
export function podStatus(observation: PodObservation): PodStatus {
  const { pod, containers, podIp, nodeAddress, startedAtMs } = observation;
  const phase = phaseOf(pod, containers);
  return {
    phase,
    conditions: conditionsOf(observation, phase),
    hostIP: nodeAddress,
    ...(podIp !== undefined && { podIP: podIp, podIPs: [{ ip: podIp }] }),
    startTime: formatTimestamp(startedAtMs),
    containerStatuses: [...containers],
  };
}

function phaseOf(pod: Pod, containers: readonly ContainerStatus[]): NonNullable<PodStatus['phase']> {
  const ended = containers.filter(({ state }) => state?.terminated);
  const isOver = ended.length === containers.length && (isDeleted(pod) || !restarts(pod, ended));
  if (isOver) return ended.every(({ state }) => state?.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
  const isStarted = ({ state, lastState }: ContainerStatus) => !state?.waiting || lastState?.terminated;
  return containers.every(isStarted) ? 'Running' : 'Pending';
}

function restarts(pod: Pod, ended: readonly ContainerStatus[]): boolean {
  const policy = pod.spec.restartPolicy ?? 'Always';
  if (policy === 'Always') return true;
  return policy === 'OnFailure' && ended.some(({ state }) => state?.terminated?.exitCode !== 0);
}

function conditionsOf(observation: PodObservation, phase: PodStatus['phase']): Condition[] {
  const { pod, containers, podIp } = observation;
  const containersReady = containersReadyCondition(containers, phase);
  const conditions: Condition[] = [
    condition('PodReadyToStartContainers', podIp !== undefined && !isOver(phase)),
    { ...condition('Initialized', true), ...(phase === 'Succeeded' && { reason: 'PodCompleted' }) },
    readyCondition(pod, containersReady),
    containersReady,
    condition('PodScheduled', true),
  ];
  return conditions.map(fresh => withTransition(fresh, observation));
}

function condition(type: string, isTrue: boolean): Condition {
  return { type, status: isTrue ? 'True' : 'False' };
}

/** With its last container a Pod loses its network. */
function isOver(phase: PodStatus['phase']): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function containersReadyCondition(containers: readonly ContainerStatus[], phase: PodStatus['phase']): Condition {
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name);
  if (phase === 'Succeeded') return { type: 'ContainersReady', status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type: 'ContainersReady', status: 'False', reason: 'PodFailed' };
  if (unready.length === 0) return { type: 'ContainersReady', status: 'True' };
  const message = `containers with unready status: [${unready.join(' ')}]`;
  return { type: 'ContainersReady', status: 'False', reason: 'ContainersNotReady', message };
}

/** Ready is ContainersReady and every readiness gate, each of which somebody else writes. */
function readyCondition(pod: Pod, containersReady: Condition): Condition {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' };
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (!gate) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (gate.status === 'True') return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`];
  });
  if (messages.length === 0) return { type: 'Ready', status: 'True' };
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function withTransition(fresh: Condition, { written, pod, nowMs }: PodObservation): Condition {
  const known = written.length > 0 ? written : (pod.status?.conditions ?? []);
  const before = known.find(({ type }) => type === fresh.type);
  const isSame = before?.status === fresh.status && before.lastTransitionTime !== undefined;
  const lastTransitionTime = isSame ? before.lastTransitionTime : formatTimestamp(nowMs);
  return { ...fresh, ...(lastTransitionTime !== undefined && { lastTransitionTime }) };
}

function isDeleted({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined;
}
