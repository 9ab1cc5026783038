import type { PodRecord } from '../../common/pod-record.ts';
import type {
  CoordinatorEnded,
  Delta,
  DrainRequest,
  NodeNotice,
  ProbeResult,
  ReportRequest,
  Snapshot,
} from '../../proto/gen/clbdirect/v1/report.ts';
import type { PodChange } from '../pods/pod-table.ts';

/**
 * What one report stream still has to say. However long the stream stays unwritable, that is at most one snapshot or one
 * merged delta of DELTA_ENTRIES_MAX Pods, one drain request per Pod, the latest notice of the node and PROBE_RESULTS_MAX
 * results. A value; every function returns the next one.
 */
export interface Outbox {
  /** Of the last snapshot or delta taken; the next one has this plus one. */
  readonly sequence: number;
  readonly pods: PendingPods;
  /** By Pod UID, the latest phase. */
  readonly drains: ReadonlyMap<string, DrainRequest>;
  readonly notice: NodeNotice | undefined;
  readonly probeResults: readonly ProbeResult[];
  /** Coordinators that are proven to have ended. */
  readonly ended: readonly CoordinatorEnded[];
}

/** More than a node has Pods: from here on a snapshot says the same in less. */
export const DELTA_ENTRIES_MAX = 1_000;

/** Whoever asked for more does not read; what is left out counts as unanswered there. */
export const PROBE_RESULTS_MAX = 64;

type PendingPods =
  /** No snapshot was asked for yet: changes need not be kept, the snapshot will hold them. */
  | { readonly type: 'unsynced' }
  | { readonly type: 'nothing' }
  /** Its content is read when it is taken. */
  | { readonly type: 'snapshot' }
  | {
      readonly type: 'delta';
      readonly upserts: ReadonlyMap<string, PodRecord>;
      readonly removals: ReadonlySet<string>;
    };

/** The state of a stream that was just opened. */
export function emptyOutbox(): Outbox {
  return { sequence: 0, pods: { type: 'unsynced' }, drains: new Map(), notice: undefined, probeResults: [], ended: [] };
}

/** Asks for a snapshot, which replaces whatever delta is pending. */
export function withSnapshot(outbox: Outbox): Outbox {
  return { ...outbox, pods: { type: 'snapshot' } };
}

export function withChange(outbox: Outbox, change: PodChange): Outbox {
  if (change.upserts.length === 0 && change.removals.length === 0) return outbox;
  switch (outbox.pods.type) {
    case 'unsynced':
    case 'snapshot':
      return outbox;
    case 'nothing':
      return { ...outbox, pods: mergeDelta(new Map(), new Set(), change) };
    case 'delta':
      return { ...outbox, pods: mergeDelta(outbox.pods.upserts, outbox.pods.removals, change) };
  }
}

/** Queues a drain request; an earlier one of the same Pod that was not yet sent is superseded. */
export function withDrain(outbox: Outbox, request: DrainRequest): Outbox {
  return { ...outbox, drains: new Map(outbox.drains).set(request.podUid, request) };
}

/** Queues what announces the node's end; a notice that was not yet sent is superseded. */
export function withNotice(outbox: Outbox, notice: NodeNotice): Outbox {
  return { ...outbox, notice };
}

/** Queues the result of a probe, unless PROBE_RESULTS_MAX of them are waiting. */
export function withProbeResult(outbox: Outbox, result: ProbeResult): Outbox {
  if (outbox.probeResults.length >= PROBE_RESULTS_MAX) return outbox;
  return { ...outbox, probeResults: [...outbox.probeResults, result] };
}

/** Queues all coordinators that are proven to have ended, in place of those that were not yet sent. */
export function withEnded(outbox: Outbox, ended: readonly CoordinatorEnded[]): Outbox {
  return { ...outbox, ended };
}

/**
 * The next message, or undefined when there is none: who has ended and the node's own end before everything, and Pods before drain requests, so
 * that none names a Pod the coordinator has not heard of. `records` is everything known now, undefined before the first complete list;
 * `blind` that the agent does not learn what is new.
 */
export function takeMessage(
  outbox: Outbox,
  records: readonly PodRecord[] | undefined,
  blind = false,
): { readonly message: ReportRequest; readonly outbox: Outbox } | undefined {
  return (
    takeEnded(outbox) ??
    takeNotice(outbox) ??
    takePods(outbox, records, blind) ??
    takeDrain(outbox) ??
    takeProbeResult(outbox)
  );
}

function takeEnded(outbox: Outbox): ReturnType<typeof takeMessage> {
  const [value, ...ended] = outbox.ended;
  return value && { message: { message: { $case: 'coordinatorEnded', value } }, outbox: { ...outbox, ended } };
}

function takeNotice(outbox: Outbox): ReturnType<typeof takeMessage> {
  if (!outbox.notice) return undefined;
  const message: ReportRequest = { message: { $case: 'nodeNotice', value: outbox.notice } };
  return { message, outbox: { ...outbox, notice: undefined } };
}

function takeProbeResult(outbox: Outbox): ReturnType<typeof takeMessage> {
  const [value, ...probeResults] = outbox.probeResults;
  if (!value) return undefined;
  return { message: { message: { $case: 'probeResult', value } }, outbox: { ...outbox, probeResults } };
}

function takePods(
  outbox: Outbox,
  records: readonly PodRecord[] | undefined,
  blind: boolean,
): ReturnType<typeof takeMessage> {
  const { pods } = outbox;
  const sequence = outbox.sequence + 1;
  const rest: Outbox = { ...outbox, sequence, pods: { type: 'nothing' } };
  if (pods.type === 'snapshot' && records) {
    const value: Snapshot = { sequence, pods: [...records], consistent: true, blind };
    return { message: { message: { $case: 'snapshot', value } }, outbox: rest };
  }
  if (pods.type === 'delta') {
    const value: Delta = { sequence, upserts: [...pods.upserts.values()], removals: [...pods.removals] };
    return { message: { message: { $case: 'delta', value } }, outbox: rest };
  }
  return undefined;
}

function takeDrain(outbox: Outbox): ReturnType<typeof takeMessage> {
  const next = outbox.drains.values().next();
  if (next.done || outbox.pods.type === 'snapshot' || outbox.pods.type === 'unsynced') return undefined;
  const drains = new Map(outbox.drains);
  drains.delete(next.value.podUid);
  return { message: { message: { $case: 'drainRequest', value: next.value } }, outbox: { ...outbox, drains } };
}

function mergeDelta(
  earlierUpserts: ReadonlyMap<string, PodRecord>,
  earlierRemovals: ReadonlySet<string>,
  change: PodChange,
): PendingPods {
  const upserts = new Map(earlierUpserts);
  const removals = new Set(earlierRemovals);
  for (const record of change.upserts) {
    upserts.set(record.uid, record);
    removals.delete(record.uid);
  }
  for (const uid of change.removals) {
    upserts.delete(uid);
    removals.add(uid);
  }
  return upserts.size + removals.size > DELTA_ENTRIES_MAX ? { type: 'snapshot' } : { type: 'delta', upserts, removals };
}
