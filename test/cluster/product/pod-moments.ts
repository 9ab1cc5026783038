/**
 * When a Pod's last moments came, told by those who did it: kubelet and containerd (`container-moments.ts`) and the
 * journal of the CLB stand-in. Nothing here comes from the product.
 */
import { numberTable } from '../../../bench/number-table.ts';
import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';
import type { TargetChange } from '../../../sandbox/clb/state.ts';
import type { ContainerMoments, PreStopMoments } from '../container-moments.ts';

/** Milliseconds since the Unix epoch; undefined: it has not happened. */
export interface PodMoments {
  readonly pod: string;
  readonly address: string;
  readonly preStopAtMs: number | undefined;
  readonly preStopEndedAtMs: number | undefined;
  readonly preStopOutcome: PreStopMoments['outcome'] | undefined;
  /** The API shows weight 0. */
  readonly weightZeroAtMs: number | undefined;
  /** Open connections at the moments at which the forwarders followed, summed. */
  readonly connectionsAtWeightZero: number;
  readonly lastOpenedAtMs: number | undefined;
  readonly lastClosedAtMs: number | undefined;
  /** The API does not show the target any more. */
  readonly deregisteredAtMs: number | undefined;
  /** Connections that were still open as forwarders followed the deregistration, which ends them. */
  readonly cutConnections: number;
  /** How many forwarders have followed the deregistration. */
  readonly forwardersFollowed: number;
  readonly terminatedAtMs: number | undefined;
  readonly exitedAtMs: number | undefined;
}

/** @param container the Pod's only one that serves. */
export function podMoments(
  container: ContainerMoments,
  address: string,
  journal: readonly NumberedRecord[],
): PodMoments {
  const begin = { atMs: container.startedAtMs ?? Infinity };
  const all = changesOf(address, journal, begin.atMs);
  // A target that was closed for a while and opened again has been at weight 0 before.
  const opened = all.findLast(({ change }) => change.kind !== 'target-deregistered' && change.weight > 0) ?? begin;
  const changes = all.filter(({ atMs }) => atMs >= opened.atMs);
  const changedAtMs = (kind: TargetChange['kind'], weight?: number) =>
    changes.find(({ change }) => change.kind === kind && (weight ?? change.weight) === change.weight)?.atMs;
  const followed = (kind: TargetChange['kind']) =>
    journal
      .flatMap(record => (record.kind === 'forwarded' && record.at >= opened.atMs ? record.targets : []))
      .filter(target => target.kind === kind && target.address === address && target.weight === 0);
  const removed = followed('target-deregistered');
  return {
    pod: container.pod,
    address,
    preStopAtMs: container.preStop?.begunAtMs,
    preStopEndedAtMs: container.preStop?.endedAtMs,
    preStopOutcome: container.preStop?.outcome,
    weightZeroAtMs: changedAtMs('target-reweighted', 0),
    connectionsAtWeightZero: openConnections(followed('target-reweighted')),
    lastOpenedAtMs: latest(removed.map(({ lastOpenedAt }) => lastOpenedAt)),
    lastClosedAtMs: latest(removed.map(({ lastClosedAt }) => lastClosedAt)),
    deregisteredAtMs: changedAtMs('target-deregistered'),
    cutConnections: openConnections(removed),
    forwardersFollowed: removed.length,
    terminatedAtMs: container.terminatedAtMs,
    exitedAtMs: container.exitedAtMs,
  };
}

/** What became of the targets of an address since a moment. */
function changesOf(address: string, journal: readonly NumberedRecord[], sinceMs: number) {
  return journal.flatMap(record =>
    record.kind === 'change' && record.at >= sinceMs
      ? record.changes
          .filter(change => 'address' in change)
          .filter(change => change.address === address)
          .map(change => ({ atMs: record.at, change }))
      : [],
  );
}

function openConnections(targets: readonly { readonly liveConnections: number }[]): number {
  return targets.reduce((sum, { liveConnections }) => sum + liveConnections, 0);
}

function latest(moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter(moment => moment !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/**
 * Whether connections outlived the drain budget: they were still open when the hook returned, so that the application
 * had to end them.
 */
export function outlivedBudget({ lastClosedAtMs, terminatedAtMs }: PodMoments): boolean {
  return lastClosedAtMs !== undefined && terminatedAtMs !== undefined && lastClosedAtMs >= terminatedAtMs;
}

/** What of a Pod's end is not as promised, in words; empty when all is well. */
export function orderProblems(moments: PodMoments): string[] {
  const { pod, preStopOutcome, cutConnections } = moments;
  const steps = outlivedBudget(moments) ? stepsWhenOutlived(moments) : stepsWhenDrained(moments);
  // The agent sees the deletion when the kubelet does: weight 0 does not wait for the hook's call, nor the call for it.
  const call: Step[] = [
    ['preStop', moments.preStopAtMs],
    ['the end of preStop', moments.preStopEndedAtMs],
  ];
  return [
    ...disorder(pod, call),
    ...disorder(pod, steps),
    ...(preStopOutcome === 'completed' ? [] : [`${pod}: preStop ${preStopOutcome ?? 'was never called'}`]),
    ...(cutConnections > 0 ? [`${pod}: deregistering cut ${cutConnections} connections`] : []),
  ];
}

function disorder(pod: string, steps: readonly Step[]): string[] {
  return steps.flatMap(([name, at], index) => {
    const [before = '', beforeAt] = steps[index - 1] ?? [];
    if (at === undefined) return [`${pod}: no ${name}`];
    return beforeAt !== undefined && beforeAt > at ? [`${pod}: ${name} came ${beforeAt - at} ms before ${before}`] : [];
  });
}

type Step = readonly [name: string, atMs: number | undefined];

function stepsWhenDrained(moments: PodMoments): Step[] {
  return [
    ['weight 0', moments.weightZeroAtMs],
    // A Pod that was idle at weight 0 has no connection that ended after it.
    ['last connection', latest([moments.lastClosedAtMs, moments.weightZeroAtMs])],
    ['deregistered', moments.deregisteredAtMs],
    ['the end of preStop', moments.preStopEndedAtMs],
    ['SIGTERM', moments.terminatedAtMs],
    ['exit', moments.exitedAtMs],
  ];
}

/** Deregistering cuts connections, so it waits for the exit. */
function stepsWhenOutlived(moments: PodMoments): Step[] {
  return [
    ['weight 0', moments.weightZeroAtMs],
    ['last new connection', latest([moments.lastOpenedAtMs, moments.weightZeroAtMs])],
    ['the end of preStop', moments.preStopEndedAtMs],
    ['SIGTERM', moments.terminatedAtMs],
    ['exit', moments.exitedAtMs],
    ['deregistered', moments.deregisteredAtMs],
  ];
}

const columns = [
  'pod',
  'preStop (UTC)',
  'weight 0',
  'open then',
  'last opened',
  'last closed',
  'deregistered',
  'cut',
  'preStop ended',
  'SIGTERM',
  'exit',
];

/** Aligned; seconds after the beginning of each Pod's preStop. */
export function momentsTable(pods: readonly PodMoments[]): string {
  return numberTable([columns, ...pods.map(row)]);
}

function row(moments: PodMoments): string[] {
  const begin = moments.preStopAtMs;
  const after = (at: number | undefined) =>
    at === undefined || begin === undefined ? '–' : `${((at - begin) / 1000).toFixed(3)}`;
  return [
    moments.pod,
    begin === undefined ? '–' : new Date(begin).toISOString().slice(11, 23),
    after(moments.weightZeroAtMs),
    String(moments.connectionsAtWeightZero),
    after(moments.lastOpenedAtMs),
    after(moments.lastClosedAtMs),
    after(moments.deregisteredAtMs),
    String(moments.cutConnections),
    after(moments.preStopEndedAtMs),
    after(moments.terminatedAtMs),
    after(moments.exitedAtMs),
  ];
}
