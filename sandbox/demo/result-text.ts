import { aligned } from './kubectl-table.ts';
import type { PodMoments } from './moments.ts';
import { type Check, drainingShare, percent, type SideResult, totals } from './verdict.ts';
import type { Side } from './workloads.ts';

/** The two tables of a run: what became of the requests, and how each Pod went. */
export function resultText(results: Readonly<Record<Side, SideResult>>): string {
  const sides = Object.entries(results);
  const head = ['', 'REQUESTS', 'LOST', 'P50', 'P99', 'SENT WHILE DRAINING', 'LOST TO'];
  const podHead = [
    'POD',
    'PRESTOP',
    'WEIGHT 0',
    'LAST CONNECTION',
    'DEREGISTERED',
    'SIGTERM',
    'OPEN AT WEIGHT 0',
    'CUT',
  ];
  const pods = sides.flatMap(([, { moments }]) => moments.map(podRow));
  return [
    aligned([head, ...sides.map(([side, result]) => requestRow(side, result))]),
    '',
    "Each replaced Pod's end, in seconds: preStop and SIGTERM as its kubelet tells them, the others as CLB does.",
    aligned([podHead, ...pods]),
  ].join('\n');
}

export function verdictText(checks: readonly Check[]): string {
  const lines = checks.map(({ claim, holds }) => `  ${holds ? 'ok    ' : 'FAILED'}  ${claim}`);
  const verdict = checks.every(({ holds }) => holds)
    ? 'PASSED: with the hook nothing was lost, without it something was.'
    : 'FAILED: see above.';
  return [...lines, '', verdict].join('\n');
}

function requestRow(side: string, result: SideResult): string[] {
  const { sent, lost } = totals(result);
  const [short] = result.loads;
  const latency = short?.latency ?? { p50Ms: 0, p99Ms: 0 };
  return [
    side,
    sent.toLocaleString('en'),
    lost.toLocaleString('en'),
    `${latency.p50Ms.toFixed(1)} ms`,
    `${latency.p99Ms.toFixed(1)} ms`,
    percent(drainingShare(result)),
    causes(result),
  ];
}

function causes({ loads }: SideResult): string {
  const counts = loads.flatMap(({ lost }) => Object.entries(lost)).filter(([, count]) => count > 0);
  const byCause = Map.groupBy(counts, ([cause]) => cause);
  const parts = [...byCause].map(([cause, all]) => `${cause} ${all.reduce((total, [, count]) => total + count, 0)}`);
  return parts.join(', ') || '-';
}

function podRow(moments: PodMoments): string[] {
  const { preStop, weightZero, lastConnection, deregistered, terminated } = moments;
  const all = [preStop, weightZero, lastConnection, deregistered, terminated];
  const first = Math.min(...all.filter(moment => moment !== undefined));
  const offset = (moment: number | undefined) => (moment === undefined ? '-' : ((moment - first) / 1000).toFixed(2));
  return [moments.podName, ...all.map(offset), String(moments.openAtWeightZero), String(moments.cut)];
}
