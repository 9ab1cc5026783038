import type { Benchmark, BenchmarkContext, BenchmarkResult } from '../benchmark.ts';
import { numberTable } from '../number-table.ts';
import type { EventFigures, StartFigures } from './measure.ts';
import type { ScaleSize } from './population.ts';
import { eventsInProcess, startInProcess } from './scale-process.ts';

const EVENTS = { events: 4_000, warmUpEvents: 200 };
const SIZES: readonly ScaleSize[] = [
  { pods: 10_000, services: 200, namespaces: 20 },
  { pods: 100_000, services: 2_000, namespaces: 200 },
  { pods: 100_000, services: 2_000, namespaces: 1 },
];

interface ScaleRow extends ScaleSize {
  readonly start: StartFigures;
  readonly events: EventFigures;
}

export const scale: Benchmark = {
  name: 'scale',
  summary: 'a new leader over 100,000 Pods and 2,000 Services: time, memory, cost of one Pod event, cost of rest',
  run: runScale,
};

async function runScale({ say }: BenchmarkContext): Promise<BenchmarkResult> {
  const rows: ScaleRow[] = [];
  for (const size of SIZES) {
    const where = `${size.pods} Pods, ${size.services} Services, ${size.namespaces} namespaces`;
    say(`scale: ${where}: cold start`);
    const start = await startInProcess(size);
    say(`scale: ${where}: ${EVENTS.events} events`);
    rows.push({ ...size, start, events: await eventsInProcess(size, EVENTS) });
  }
  return { text: `${startTable(rows)}\n\n${eventTable(rows)}`, json: { rows }, missedGoals: [] };
}

function startTable(rows: readonly ScaleRow[]): string {
  const head = [
    ...SIZE_HEAD,
    'reports s',
    'decided s',
    'settled s',
    'longest turn ms',
    'heap MiB',
    'RSS MiB',
    'peak RSS MiB',
    'of it before',
    'idle CPU ms/min',
    'scrape ms',
  ];
  const cells = rows.map(({ start, ...size }) => [
    ...sizeCells(size),
    seconds(start.reportsMs),
    seconds(start.decidedMs),
    seconds(start.settledMs),
    start.longestTurnMs.toFixed(0),
    start.settledMiB.heap.toFixed(0),
    start.settledMiB.rss.toFixed(0),
    start.peakRssMiB.toFixed(0),
    start.baseMiB.rss.toFixed(0),
    start.idleCpuMsPerMinute.toFixed(0),
    start.scrapeMs.toFixed(1),
  ]);
  return `Cold start, and a minute of rest\n${numberTable([head, ...cells])}`;
}

function eventTable(rows: readonly ScaleRow[]): string {
  const head = [...SIZE_HEAD, 'events', 'event ms p50', 'p99', 'quiet ms p50', 'p99', 'KiB per event'];
  const cells = rows.map(({ events, ...size }) => [
    ...sizeCells(size),
    String(events.events),
    events.eventMs.p50.toFixed(2),
    events.eventMs.p99.toFixed(2),
    events.quietMs.p50.toFixed(2),
    events.quietMs.p99.toFixed(2),
    (events.bytesPerEvent / 1024).toFixed(0),
  ]);
  return `One Pod event when nothing else happens: decided, written, read back\n${numberTable([head, ...cells])}`;
}

const SIZE_HEAD = ['Pods', 'Services', 'namespaces'];

function sizeCells({ pods, services, namespaces }: ScaleSize): string[] {
  return [pods, services, namespaces].map(String);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
