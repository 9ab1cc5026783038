/**
 * When a Pod's last moments came, told by those who did it: kubelet and containerd (`container-moments.ts`) and the
 * journal of the CLB stand-in. Nothing here comes from the product.
 */
import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';
import type { ContainerMoments } from '../container-moments.ts';

/** Milliseconds since the Unix epoch; undefined: it has not happened. */
export interface PodMoments {
  readonly pod: string;
  readonly address: string;
  readonly preStopAtMs: number | undefined;
  readonly preStopEndedAtMs: number | undefined;
  /** The API shows weight 0. */
  readonly weightZeroAtMs: number | undefined;
  /** Open connections at the moments at which the forwarders followed, summed. */
  readonly connectionsAtWeightZero: number;
  readonly lastOpenedAtMs: number | undefined;
  readonly lastClosedAtMs: number | undefined;
  /** The API does not show the target any more. */
  readonly deregisteredAtMs: number | undefined;
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
  const life = journal.filter(({ at }) => at >= (container.startedAtMs ?? Infinity));
  const changes = life.flatMap(record =>
    record.kind === 'change' ? record.changes.map(change => ({ record, change })) : [],
  );
  const changedAtMs = (kind: string, weight: number | undefined) =>
    changes.find(
      ({ change }) =>
        change.kind === kind &&
        'address' in change &&
        change.address === address &&
        (weight === undefined || change.weight === weight),
    )?.record.at;
  const followed = (kind: string) =>
    life
      .flatMap(record => (record.kind === 'forwarded' ? record.targets : []))
      .filter(target => target.kind === kind && target.address === address && target.weight === 0);
  const removed = followed('target-deregistered');
  return {
    pod: container.pod,
    address,
    preStopAtMs: container.preStop?.begunAtMs,
    preStopEndedAtMs: container.preStop?.endedAtMs,
    weightZeroAtMs: changedAtMs('target-reweighted', 0),
    connectionsAtWeightZero: followed('target-reweighted').reduce(
      (sum, { liveConnections }) => sum + liveConnections,
      0,
    ),
    lastOpenedAtMs: latest(removed.map(({ lastOpenedAt }) => lastOpenedAt)),
    lastClosedAtMs: latest(removed.map(({ lastClosedAt }) => lastClosedAt)),
    deregisteredAtMs: changedAtMs('target-deregistered', undefined),
    forwardersFollowed: removed.length,
    terminatedAtMs: container.terminatedAtMs,
    exitedAtMs: container.exitedAtMs,
  };
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

/** What of a Pod's order is not as promised, in words; empty when all is well. */
export function orderProblems(moments: PodMoments): string[] {
  const steps = outlivedBudget(moments) ? stepsWhenOutlived(moments) : stepsWhenDrained(moments);
  // The agent sees the deletion when the kubelet does: weight 0 does not wait for the hook's call, nor the call for it.
  const call: Step[] = [
    ['preStop', moments.preStopAtMs],
    ['SIGTERM', moments.terminatedAtMs],
  ];
  return [...disorder(moments.pod, call), ...disorder(moments.pod, steps)];
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
    ['SIGTERM', moments.terminatedAtMs],
    ['exit', moments.exitedAtMs],
  ];
}

/** Deregistering cuts connections, so it waits for the exit. */
function stepsWhenOutlived(moments: PodMoments): Step[] {
  return [
    ['weight 0', moments.weightZeroAtMs],
    ['last new connection', latest([moments.lastOpenedAtMs, moments.weightZeroAtMs])],
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
  'SIGTERM',
  'exit',
];

/** Aligned; seconds after the beginning of each Pod's preStop. */
export function momentsTable(pods: readonly PodMoments[]): string {
  const rows = pods.map(row);
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map(cells => cells[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  ');
  return [columns, ...rows].map(line).join('\n');
}

function row(moments: PodMoments): string[] {
  const begin = moments.preStopAtMs;
  const after = (at: number | undefined) =>
    at === undefined || begin === undefined ? '-' : `${((at - begin) / 1000).toFixed(3)}`;
  return [
    moments.pod,
    begin === undefined ? '-' : new Date(begin).toISOString().slice(11, 23),
    after(moments.weightZeroAtMs),
    String(moments.connectionsAtWeightZero),
    after(moments.lastOpenedAtMs),
    after(moments.lastClosedAtMs),
    after(moments.deregisteredAtMs),
    after(moments.terminatedAtMs),
    after(moments.exitedAtMs),
  ];
}
