import { CUSTOM_WEIGHT_ANNOTATION } from '../../common/names.ts';
import { ContainerState, GateState, type PodRecord } from '../../common/pod-record.ts';
import { container, podRecord } from '../../coordinator/core/pod.fixture.ts';

/** What can happen to a Pod: each a function from its record before to its record after. */

export interface NewPod {
  readonly address: string;
  readonly app: string;
  readonly createdAtMs: number;
  /** The Pod's ReplicaSet, by its hash. */
  readonly hash?: string;
}

export function starting(uid: string, { address, app, createdAtMs, hash }: NewPod): PodRecord {
  const containers = [{ ...container('main', ContainerState.RUNNING), containerId: `${uid}-1` }];
  const labels = { app, ...(hash !== undefined && { 'pod-template-hash': hash }) };
  return podRecord({ uid, addresses: [address], labels, containers, createdAtMs, ready: false });
}

export function ready(record: PodRecord): PodRecord {
  return { ...record, ready: record.containers.every(container => container.state === ContainerState.RUNNING) };
}

export function unready(record: PodRecord): PodRecord {
  return { ...record, ready: false };
}

export function deleted(record: PodRecord): PodRecord {
  return { ...record, deletion: record.deletion ?? { seenAtMs: 0, gracePeriodSeconds: 60 } };
}

export function exited(record: PodRecord): PodRecord {
  const containers = record.containers.map(container => ({ ...container, state: ContainerState.EXITED }));
  return { ...record, ready: false, containers };
}

export function restarted(record: PodRecord): PodRecord {
  if (record.deletion) return record;
  const containers = record.containers.map(container => ({
    ...container,
    state: ContainerState.RUNNING,
    containerId: `${container.containerId}+`,
  }));
  return { ...record, containers };
}

export function relabelled(record: PodRecord, app: string): PodRecord {
  return { ...record, labels: { ...record.labels, app } };
}

export function weighted(record: PodRecord, weight: number): PodRecord {
  return { ...record, annotations: { [CUSTOM_WEIGHT_ANNOTATION]: `${weight}` } };
}

export function gateOpened(record: PodRecord): PodRecord {
  return { ...record, gate: GateState.OPEN };
}
