import { type Envelope, TaskExit, TaskStart } from '../../../proto/gen/containerd/events.ts';
import {
  type Container,
  type ContainerFilter,
  ContainerState,
  type PodSandbox,
  type PodSandboxFilter,
  PodSandboxState,
  type VersionResponse,
} from '../../../proto/gen/cri/api.ts';
import type { ContainerEntry, ContainerTable, TableEvent } from './container-table.ts';

/** Answers what a containerd with CRI answers, out of a node's containers. A Pod has a sandbox while it has containers. */
export class RuntimeService {
  readonly #table: ContainerTable;

  constructor(table: ContainerTable) {
    this.#table = table;
  }

  version(): VersionResponse {
    return { runtimeName: 'containerd', runtimeVersion: 'sandbox' };
  }

  listContainers(filter: ContainerFilter | undefined): Container[] {
    return this.#table.entries().map(toContainer).filter(fits(filter));
  }

  listPodSandbox(filter: PodSandboxFilter | undefined): PodSandbox[] {
    const sandboxes = this.#table.entries().map(toSandbox);
    return [...new Map(sandboxes.map(sandbox => [sandbox.id, sandbox])).values()].filter(fits(filter));
  }

  /** Undefined when there is no such sandbox. It has no process of its own: processes share the machine's network. */
  podSandboxInfo(id: string): Record<string, string> | undefined {
    return this.listPodSandbox({ id, labelSelector: {} }).length > 0 ? { info: JSON.stringify({ pid: 0 }) } : undefined;
  }

  /** Undefined when there is no such container. */
  containerInfo(id: string): Record<string, string> | undefined {
    const entry = this.#table.find(id);
    return entry && { info: JSON.stringify({ pid: entry.hasExited ? 0 : entry.processId }) };
  }

  /** Calls `onEvent` for each event that fits one of the filters, until the result is called. */
  subscribe(filters: readonly EventFilter[], onEvent: (event: Envelope) => void): () => void {
    return this.#table.onEvent(event => {
      const envelope = toEnvelope(event);
      const passes = ({ namespace, topic }: EventFilter) =>
        (namespace ?? envelope.namespace) === envelope.namespace && (topic ?? envelope.topic) === envelope.topic;
      if (filters.length === 0 || filters.some(passes)) onEvent(envelope);
    });
  }
}

/** Conditions that hold together. */
interface EventFilter {
  readonly namespace?: string;
  readonly topic?: string;
}

/** Reads `namespace==k8s.io,topic=="/tasks/exit"`. Undefined for what containerd knows and the sandbox does not. */
export function parseFilter(text: string): EventFilter | undefined {
  const conditions = text.split(',').map(condition => /^(namespace|topic)=="?([^"]*)"?$/.exec(condition));
  if (conditions.includes(null)) return undefined;
  return Object.fromEntries(conditions.map(found => [found?.[1], found?.[2]]));
}

function fits(filter: { id: string; labelSelector: Record<string, string> } | undefined) {
  const { id = '', labelSelector = {} } = filter ?? {};
  return (item: { readonly id: string; readonly labels: Readonly<Record<string, string>> }) =>
    (id === '' || item.id === id) && Object.entries(labelSelector).every(([key, value]) => item.labels[key] === value);
}

function toContainer(entry: ContainerEntry): Container {
  return {
    id: entry.id,
    podSandboxId: sandboxIdOf(entry),
    state: entry.hasExited ? ContainerState.CONTAINER_EXITED : ContainerState.CONTAINER_RUNNING,
    labels: { ...podLabels(entry), 'io.kubernetes.container.name': entry.containerName },
  };
}

function toSandbox(entry: ContainerEntry): PodSandbox {
  return { id: sandboxIdOf(entry), state: PodSandboxState.SANDBOX_READY, labels: podLabels(entry) };
}

function podLabels({ podUid, podName, namespace }: ContainerEntry): Record<string, string> {
  return {
    'io.kubernetes.pod.uid': podUid,
    'io.kubernetes.pod.name': podName,
    'io.kubernetes.pod.namespace': namespace,
  };
}

/** As long as containerd's: 64 hexadecimal digits. */
function sandboxIdOf({ podUid }: ContainerEntry): string {
  return podUid.replaceAll('-', '').padEnd(64, '0');
}

function toEnvelope({ type, id }: TableEvent): Envelope {
  const namespace = 'k8s.io';
  switch (type) {
    case 'started': {
      const value = TaskStart.encode({ containerId: id }).finish();
      return { namespace, topic: '/tasks/start', event: { typeUrl: 'containerd.events.TaskStart', value } };
    }
    case 'exited': {
      const value = TaskExit.encode({ containerId: id, id }).finish();
      return { namespace, topic: '/tasks/exit', event: { typeUrl: 'containerd.events.TaskExit', value } };
    }
  }
}
