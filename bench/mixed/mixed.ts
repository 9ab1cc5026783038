import type { Benchmark, BenchmarkContext, BenchmarkResult } from '../benchmark.ts';
import { numberTable } from '../number-table.ts';
import { type MixedRow, type MixedSize, type Quantiles, runMixed } from './run-mixed.ts';

/** 50 listeners and 3,000 targets; ten updates at once; the other 40 Services grow by 5,600 Pods within 45 seconds. */
const SIZE: MixedSize = { services: 50, podsPerService: 60, rolling: 10, bulkPodsPerStep: 14, bulkSteps: 10 };
const CALLS_MS = [5, 200];

/** While Pods drain, no write is planned to take longer than 1.5 s; one more call shows its end, and 50 ms later weight 0 goes. */
const SENT_P99_MAX_MS = 1_550;

export const mixed: Benchmark = {
  name: 'mixed',
  summary: 'drain latency on one load balancer with 3,000 targets, rolling updates and a bulk registration at once',
  run: runMixedRows,
};

async function runMixedRows({ clock, say }: BenchmarkContext): Promise<BenchmarkResult> {
  const rows: MixedRow[] = [];
  for (const callMs of CALLS_MS) {
    say(`mixed: calls of ${callMs} ms`);
    rows.push(await runMixed(SIZE, callMs, clock));
  }
  return {
    text: `${waitTable(rows)}\n\n${workTable(rows)}`,
    json: { size: SIZE, rows },
    missedGoals: rows.flatMap(missedGoals),
  };
}

function waitTable(rows: readonly MixedRow[]): string {
  const head = [
    'call ms',
    'drains',
    'sent ms p50',
    'p99',
    'read back ms p50',
    'p99',
    'longest registration ms',
    'budgets used up',
    'rollout s',
  ];
  const cells = rows.map(row => [
    String(row.callMs),
    String(row.drains),
    ...quantileCells(row.sentMs),
    ...quantileCells(row.drainMs),
    row.longestRegistrationMs.toFixed(0),
    String(row.budgetsUsedUp),
    row.rolloutSeconds.toFixed(1),
  ]);
  return `Virtual time, drains asked for during the bulk registration\n${numberTable([head, ...cells])}`;
}

function workTable(rows: readonly MixedRow[]): string {
  const head = ['call ms', 'Pod events', 'work ms per event', 'longest turn ms'];
  const cells = rows.map(row => [
    String(row.callMs),
    String(row.podEvents),
    row.workMsPerPodEvent.toFixed(2),
    row.longestTurnMs.toFixed(0),
  ]);
  return `Real time of the coordinator's work\n${numberTable([head, ...cells])}`;
}

function quantileCells({ p50, p99 }: Quantiles): string[] {
  return [p50, p99].map(value => (Number.isFinite(value) ? value.toFixed(0) : '– never'));
}

function missedGoals({ callMs, sentMs }: MixedRow): string[] {
  const maxMs = SENT_P99_MAX_MS + callMs;
  if (sentMs.p99 <= maxMs) return [];
  const took = Number.isFinite(sentMs.p99) ? `${sentMs.p99.toFixed(0)} ms` : 'more than the hook waits';
  return [`mixed: with calls of ${callMs} ms weight 0 is sent after ${took} (p99); the goal is ${maxMs} ms`];
}
