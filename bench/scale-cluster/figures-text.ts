import { numberTable } from '../number-table.ts';
import { quantile } from '../quantile.ts';
import type { Death, DeathFigures } from './leader-death.ts';
import type { ScaleFigures } from './measure.ts';
import { total } from './request-counts.ts';
import type { RollingFigures } from './rolling-update.ts';

const HEAD = ['figure', 'clb-direct', 'peer', 'goal'];

/** The table that stands in docs/benchmarks.md, and what the requests and writes were. */
export function figuresText(figures: ScaleFigures): string {
  const { nodes, pods, services } = figures.size;
  const rows = [...coordinatorRows(figures), ...timeRows(figures), ...rollingRows(figures)];
  return [
    `${nodes} nodes, ${pods} Pods, ${services} Services`,
    numberTable([HEAD, ...rows]),
    `Requests to the API server while the Pods were made, for each Pod:\n${each(figures.population.requests, pods)}`,
    `and in the rolling update, for each new Pod:\n${each(figures.rolling.fast.requests, figures.size.rolling)}`,
  ].join('\n\n');
}

function coordinatorRows({ rest, population, size }: ScaleFigures): string[][] {
  const memory = rest.coordinators.map(({ role, rssMiB, rssPeakMiB, cpuPercent }) => [
    [
      `${role}: RSS at rest, peak until then`,
      `${fixed(rssMiB)}, ${fixed(rssPeakMiB)} MiB`,
      role === 'leader' ? 'peak 428 MiB' : '',
      '',
    ],
    [`${role}: CPU at rest`, `${fixed(cpuPercent, 1)} % of a core`, '', ''],
  ]);
  return [
    ...memory.flat(),
    ['leader: CPU for each Pod made', `${fixed(population.cpuMs / size.pods, 1)} ms`, '', ''],
    ['first Pod made to last gate open', seconds(population.tookMs), '', ''],
    ['requests for each Pod made', fixed(total(population.requests) / size.pods, 2), '', ''],
    ['requests at rest', `${fixed(rest.requestsPerSecond, 1)} a second`, '', ''],
  ];
}

function timeRows({ deletionMs, deathMs }: ScaleFigures): string[][] {
  const peers: Record<number, string> = { 5: '26, 62 ms', 200: '229, – ms' };
  const deletions = [...deletionMs].map(([callMs, ms]) => [
    `deletion to first write, calls of ${callMs} ms: p50, p99 (${ms.length})`,
    `${fixed(quantile(ms, 0.5))}, ${fixed(quantile(ms, 0.99))} ms`,
    peers[callMs] ?? '',
    'p99 ≤ 50 ms',
  ]);
  return [
    ...deletions,
    ...deathRows('killed', deathMs.killed, '≤ 2 s'),
    ...deathRows('frozen', deathMs.frozen, '≤ 12 s'),
  ];
}

function deathRows(death: Death, figures: readonly DeathFigures[], goal: string): string[][] {
  const range = (ms: readonly number[]) => `${seconds(Math.min(...ms))} to ${seconds(Math.max(...ms))}`;
  const first = range(figures.map(({ firstWriteMs }) => firstWriteMs));
  const pod = range(figures.map(({ firstPodMs }) => firstPodMs));
  const peer = death === 'killed' ? '15.0 s to 18.8 s' : '';
  return [
    [`leader ${death} to first write of the next (${figures.length})`, first, peer, goal],
    [`leader ${death} to the write for a Pod deleted then`, pod, '', ''],
  ];
}

function rollingRows({ rolling, plainMs, size }: ScaleFigures): string[][] {
  const { fast, calibrated } = rolling;
  const ofPod = (figures: RollingFigures) => fixed(total(figures.requests) / size.rolling, 2);
  return [
    [`rolling update of ${size.rolling} Pods without load balancer`, seconds(plainMs), '', ''],
    ['the same behind one, calls of 5 ms', duration(fast, plainMs), '72 s to 104 s', '≤ 1.15 ×'],
    ['the same, calibrated cloud', duration(calibrated, plainMs), '', ''],
    ['healthy to gate, 5 ms: p50, p99', gate(fast), '5 s to 14.5 s', 'p99 ≤ 1 s'],
    ['healthy to gate, calibrated: p50, p99', gate(calibrated), '', 'p99 ≤ 1 s'],
    ['writes, 5 ms: register + weight + deregister', writes(fast), '174 to 242', '≤ peer'],
    ['the same, calibrated cloud', writes(calibrated), '', '≤ 60'],
    ['requests for each new Pod, 5 ms', ofPod(fast), '', ''],
    ['leader: CPU for each new Pod, 5 ms', `${fixed(fast.cpuMs / size.rolling, 1)} ms`, '', ''],
  ];
}

function duration({ durationMs }: RollingFigures, plainMs: number): string {
  return `${seconds(durationMs)}, ${fixed(durationMs / plainMs, 2)} ×`;
}

function gate({ gateMs }: RollingFigures): string {
  return `${seconds(quantile(gateMs, 0.5), 2)}, ${seconds(quantile(gateMs, 0.99), 2)}`;
}

/** All of them, and of which actions they are. */
function writes(figures: RollingFigures): string {
  const of = (action: string) => figures.writes.get(action) ?? 0;
  const parts = ['BatchRegisterTargets', 'BatchModifyTargetWeight', 'BatchDeregisterTargets'].map(of);
  return `${total(figures.writes)} = ${parts.join(' + ')}`;
}

function each(requests: ReadonlyMap<string, number>, pods: number): string {
  return numberTable([
    ['request', 'for each Pod'],
    ...[...requests].map(([kind, count]) => [kind, fixed(count / pods, 2)]),
  ]);
}

function seconds(ms: number, digits = 1): string {
  return `${fixed(ms / 1_000, digits)} s`;
}

function fixed(value: number, digits = 0): string {
  return value.toFixed(digits);
}
