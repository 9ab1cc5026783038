import { ContainerState, type PodRecord } from '../../common/pod-record.ts';

/**
 * The record with the exits the runtime told of, which the API server does not know yet: a container with an exited id
 * is EXITED and the Pod not ready, until a status names another id for it.
 */
export function mergeExits(record: PodRecord, exitedIds: ReadonlySet<string>): PodRecord {
  if (!record.containers.some(({ containerId }) => exitedIds.has(containerId))) return record;
  const containers = record.containers.map(container =>
    exitedIds.has(container.containerId) ? { ...container, state: ContainerState.EXITED } : container,
  );
  return { ...record, ready: false, containers };
}
