import { Envelope, TaskExit, TaskOOM, TaskStart } from '../../proto/gen/containerd/events.ts';
import { ContainerEventResponse, ContainerEventType } from '../../proto/gen/cri/api.ts';
import type { RuntimeEvent } from './runtime-client.ts';

/** Kubernetes' containers have a namespace of their own in containerd. */
const NAMESPACE = 'k8s.io';
const [STARTED, EXITED, OUT_OF_MEMORY] = ['/tasks/start', '/tasks/exit', '/tasks/oom'];

/** What containerd is asked for: an event passes when one of them fits. */
export const CONTAINERD_FILTERS: readonly string[] = [STARTED, EXITED, OUT_OF_MEMORY].map(
  topic => `namespace==${NAMESPACE},topic=="${topic}"`,
);

/** An event of containerd's stream; undefined when it is none of ours. Never throws. */
export function readContainerdEvent(bytes: Buffer): RuntimeEvent | undefined {
  return orMalformed(() => {
    const { namespace, topic, event } = Envelope.decode(bytes);
    if (namespace !== NAMESPACE) return undefined;
    const value = event?.value ?? new Uint8Array();
    switch (topic) {
      case STARTED:
        return named('started', TaskStart.decode(value).containerId);
      case OUT_OF_MEMORY:
        return named('outOfMemory', TaskOOM.decode(value).containerId);
      case EXITED: {
        const { containerId, id } = TaskExit.decode(value);
        return id === containerId ? named('exited', containerId) : { type: 'execExited' };
      }
      default:
        return undefined;
    }
  });
}

/** An event of CRI's stream; undefined when it is none of ours. Never throws. */
export function readCriEvent(bytes: Buffer): RuntimeEvent | undefined {
  return orMalformed(() => {
    const { containerId, containerEventType } = ContainerEventResponse.decode(bytes);
    switch (containerEventType) {
      case ContainerEventType.CONTAINER_STARTED_EVENT:
        return named('started', containerId);
      // Of a container that is deleted the end may have gone to another subscriber.
      case ContainerEventType.CONTAINER_STOPPED_EVENT:
      case ContainerEventType.CONTAINER_DELETED_EVENT:
        return named('exited', containerId);
      default:
        return undefined;
    }
  });
}

function named(type: 'started' | 'exited' | 'outOfMemory', containerId: string): RuntimeEvent {
  return containerId === '' ? { type: 'malformed' } : { type, containerId };
}

function orMalformed(read: () => RuntimeEvent | undefined): RuntimeEvent | undefined {
  try {
    return read();
  } catch {
    return { type: 'malformed' };
  }
}
