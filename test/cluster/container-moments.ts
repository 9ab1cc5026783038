/**
 * When a container's life turned, told by those who did it: the kubelet (preStop) and containerd (all else).
 *
 * | moment | source |
 * |---|---|
 * | which Pod a container belongs to | containerd's log, `RunPodSandbox` and `CreateContainer … returns` |
 * | preStop begun, ended, and how | the kubelet's log at verbosity 3: `Running preStop hook`, `PreStop hook …` (kuberuntime_container.go) |
 * | SIGTERM, SIGKILL | containerd's log: `Stop container … with signal …`, `Kill container …`, written just before the signal |
 * | start, exit | containerd's event stream: `/tasks/start`, `/tasks/exit` with the shim's own `exited_at` |
 *
 * All stamps come from the machine's one clock, so moments of different nodes can be compared. An event is missed while
 * containerd itself is down.
 */

export interface PreStopMoments {
  readonly begunAtMs: number;
  /** Undefined: it is still running, or the kubelet ended before it. */
  readonly endedAtMs: number | undefined;
  /** `failed`: no answer (the status code does not count); `cut off`: the grace period was over. */
  readonly outcome: 'running' | 'completed' | 'failed' | 'cut off';
}

/** Milliseconds since the Unix epoch, with a fraction; undefined: it has not happened. */
export interface ContainerMoments {
  readonly node: string;
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly container: string;
  readonly containerId: string;
  readonly startedAtMs: number | undefined;
  readonly preStop: PreStopMoments | undefined;
  /** SIGTERM, or the signal that the image names in its place. */
  readonly terminatedAtMs: number | undefined;
  readonly killedAtMs: number | undefined;
  readonly exitedAtMs: number | undefined;
  readonly exitCode: number | undefined;
}

/** The texts of one node's logs, from the node's beginning. */
export interface NodeLogs {
  readonly node: string;
  readonly kubelet: string;
  readonly containerd: string;
  readonly containerEvents: string;
}

type Times = Pick<ContainerMoments, 'startedAtMs' | 'terminatedAtMs' | 'killedAtMs' | 'exitedAtMs' | 'exitCode'>;

/** The containers of a node in the order of their creation; sandboxes are left out. */
export function containerMoments(logs: NodeLogs): ContainerMoments[] {
  const hooks = preStops(logs.kubelet);
  const times = new Map<string, Partial<Times>>();
  const note = (id: string, part: Partial<Times>) => times.set(id, { ...part, ...times.get(id) });
  noteSignals(logs.containerd, note);
  noteEvents(logs.containerEvents, note);
  return [...owners(logs.containerd)].map(([containerId, owner]) => ({
    ...{ startedAtMs: undefined, terminatedAtMs: undefined, killedAtMs: undefined },
    ...{ exitedAtMs: undefined, exitCode: undefined },
    ...times.get(containerId),
    ...owner,
    node: logs.node,
    containerId,
    preStop: hooks.get(containerId),
  }));
}

type Owner = Pick<ContainerMoments, 'namespace' | 'pod' | 'podUid' | 'container'>;

const sandboxPattern =
  /RunPodSandbox for &PodSandboxMetadata\{Name:([^,]+),Uid:([^,]+),Namespace:([^,]+),[^}]*\} returns sandbox id \\"(\w+)\\"/;
const containerPattern =
  /CreateContainer within sandbox \\"(\w+)\\" for &ContainerMetadata\{Name:([^,]+),[^}]*\} returns container id \\"(\w+)\\"/;

function owners(containerdLog: string): Map<string, Owner> {
  const sandboxes = new Map<string, Omit<Owner, 'container'>>();
  const containers = new Map<string, Owner>();
  for (const line of containerdLog.split('\n')) {
    const [, pod = '', podUid = '', namespace = '', sandboxId] = sandboxPattern.exec(line) ?? [];
    if (sandboxId !== undefined) sandboxes.set(sandboxId, { pod, podUid, namespace });
    const [, within = '', container = '', containerId] = containerPattern.exec(line) ?? [];
    const sandbox = sandboxes.get(within);
    if (containerId !== undefined && sandbox) containers.set(containerId, { ...sandbox, container });
  }
  return containers;
}

type Note = (containerId: string, part: Partial<Times>) => void;

function noteSignals(containerdLog: string, note: Note): void {
  const pattern = /^time="([^"]+)" .*msg="(Stop|Kill) container \\"(\w+)\\"(?: with signal|")/;
  for (const line of containerdLog.split('\n')) {
    const [, time = '', verb, containerId = ''] = pattern.exec(line) ?? [];
    if (verb === 'Stop') note(containerId, { terminatedAtMs: parseTimeMs(time) });
    if (verb === 'Kill') note(containerId, { killedAtMs: parseTimeMs(time) });
  }
}

interface TaskEvent {
  readonly container_id: string;
  /** Differs from `container_id` for a process that was started in the container later, as probes and `kubectl exec` do. */
  readonly id?: string;
  readonly exit_status?: number;
  readonly exited_at?: string;
}

function noteEvents(containerEvents: string, note: Note): void {
  const pattern = /^(\S+) (\S+) \+0000 UTC k8s\.io \/tasks\/(start|exit) (\{.*\})$/;
  for (const line of containerEvents.split('\n')) {
    const [, day, time, topic, json] = pattern.exec(line) ?? [];
    if (json === undefined) continue;
    const event = JSON.parse(json) as TaskEvent;
    if (topic === 'start') note(event.container_id, { startedAtMs: parseTimeMs(`${day}T${time}Z`) });
    else if (event.id === event.container_id) {
      note(event.container_id, { exitedAtMs: parseTimeMs(event.exited_at ?? ''), exitCode: event.exit_status ?? 0 });
    }
  }
}

interface KubeletLine {
  readonly ts: number;
  readonly msg: string;
  readonly containerID?: string;
}

function preStops(kubeletLog: string): Map<string, PreStopMoments> {
  const hooks = new Map<string, PreStopMoments>();
  for (const text of kubeletLog.split('\n')) {
    if (!/"msg":"(Running preStop|PreStop) hook/.test(text)) continue;
    const line = JSON.parse(text) as KubeletLine;
    const id = line.containerID?.replace('containerd://', '') ?? '';
    hooks.set(id, nextPreStop(hooks.get(id), line));
  }
  return hooks;
}

/** A hook that the kubelet calls again after its own restart keeps its first beginning; what follows an end is an echo. */
function nextPreStop(hook: PreStopMoments | undefined, line: KubeletLine): PreStopMoments {
  const begunAtMs = hook?.begunAtMs ?? line.ts;
  const outcome = preStopOutcomes[line.msg];
  if (outcome === undefined) return { begunAtMs, endedAtMs: undefined, outcome: 'running' };
  return hook?.endedAtMs === undefined ? { begunAtMs, endedAtMs: line.ts, outcome } : hook;
}

const preStopOutcomes: Readonly<Record<string, PreStopMoments['outcome']>> = {
  'PreStop hook completed': 'completed',
  'PreStop hook failed': 'failed',
  'PreStop hook not completed in grace period': 'cut off',
};

/** Milliseconds with their fraction from an RFC 3339 time in UTC with up to nine digits after the point. */
function parseTimeMs(time: string): number {
  const [, seconds = '', fraction = ''] = /^([^.Z]+)(\.\d+)?Z$/.exec(time) ?? [];
  return Date.parse(`${seconds}Z`) + Number(`0${fraction}`) * 1000;
}
