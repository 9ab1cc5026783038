import type { NumberedRecord } from '../clb/journal.ts';
import type { TargetChange } from '../clb/state.ts';
import type { KubeletRecord } from '../kube/kubelet/kubelet-record.ts';

/**
 * A Pod's end as others saw it: its kubelet, and CLB. Wall milliseconds; undefined for what did not happen. Nothing here
 * comes from clb-direct.
 */
export interface PodMoments {
  readonly podName: string;
  readonly preStop: number | undefined;
  /** When a read of the API first showed weight 0 on all its listeners. */
  readonly weightZero: number | undefined;
  /** When the last connection through CLB was closed, in any forwarder. */
  readonly lastConnection: number | undefined;
  /** When a read of the API first showed it nowhere. */
  readonly deregistered: number | undefined;
  readonly terminated: number | undefined;
  /** Connections that were open when the forwarders followed weight 0, of all forwarders. */
  readonly openAtWeightZero: number;
  /** Connections that deregistering cut. */
  readonly cut: number;
}

/** @param podName of a Pod that had an address */
export function momentsOf(
  podName: string,
  records: readonly KubeletRecord[],
  journal: readonly NumberedRecord[],
): PodMoments {
  const own = records.filter(record => record.podName === podName);
  const address = own.find(({ podIp }) => podIp !== undefined)?.podIp ?? '';
  const from = own[0]?.atMs ?? 0;
  const until = nextOwnerAt(records, { podName, address, from });
  const changes = journal.flatMap(record => (record.kind === 'change' ? changesOf(record, address) : []));
  const seen = changes.filter(({ at }) => at >= from && at < until);
  const requestIds = new Set(seen.map(({ requestId }) => requestId));
  const forwarded = journal.flatMap(record =>
    record.kind === 'forwarded' && requestIds.has(record.requestId)
      ? record.targets.filter(target => target.address === address)
      : [],
  );
  const deregistering = forwarded.filter(({ kind }) => kind === 'target-deregistered');
  const emptied = forwarded.filter(({ kind, weight }) => kind === 'target-reweighted' && weight === 0);
  const termination = own.find(record => record.type === 'signalled' && record.signal === 'TERM');
  return {
    podName,
    preStop: own.find(({ type }) => type === 'preStopBegan')?.atMs,
    weightZero: weightZeroAt(seen),
    lastConnection: latest(forwarded.map(({ lastClosedAt }) => lastClosedAt)),
    deregistered: latest(seen.filter(({ target }) => target.kind === 'target-deregistered').map(({ at }) => at)),
    terminated: termination?.atMs,
    openAtWeightZero: sum(emptied.map(({ liveConnections }) => liveConnections)),
    cut: sum(deregistering.map(({ liveConnections }) => liveConnections)),
  };
}

interface SeenChange {
  readonly at: number;
  readonly requestId: string;
  readonly target: TargetChange;
}

function changesOf(record: Extract<NumberedRecord, { kind: 'change' }>, address: string): SeenChange[] {
  const { at, requestId, changes } = record;
  const targets = changes.filter(change => 'address' in change).filter(change => change.address === address);
  return targets.map(target => ({ at, requestId, target }));
}

/** The last time that the weight went to 0 and stayed there. A registration at weight 0 is no such moment. */
function weightZeroAt(seen: readonly SeenChange[]): number | undefined {
  const weights = seen.filter(({ target }) => target.kind === 'target-reweighted');
  const lastOpen = weights.findLastIndex(({ target }) => target.weight > 0);
  return weights.slice(lastOpen + 1).find(({ target }) => target.weight === 0)?.at;
}

/** The address may go to another Pod at once. */
function nextOwnerAt(
  records: readonly KubeletRecord[],
  { podName, address, from }: { podName: string; address: string; from: number },
): number {
  const next = records.find(
    record =>
      record.type === 'addressAssigned' &&
      record.podIp === address &&
      record.podName !== podName &&
      record.atMs >= from,
  );
  return next?.atMs ?? Number.POSITIVE_INFINITY;
}

function latest(moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter(moment => moment !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
