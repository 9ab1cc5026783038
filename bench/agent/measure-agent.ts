import { type Clock, sleep } from '../../common/clock.ts';
import { coldStarts } from './cold-start.ts';
import { exitReports } from './exit-reports.ts';
import type { MeasuredProcess } from './measured-process.ts';
import { type NodeStand, openNodeStand, type StandNode } from './node-stand.ts';
import { type Memory, readMemory, readUsage } from './proc-usage.ts';

export interface MeasureAgentOptions {
  readonly clock: Clock;
  readonly say: (text: string) => void;
  /** Of load; rest takes a fifth of it, and half a minute at least. */
  readonly minutes: number;
  /** Bundles, each with Node's flags before it. */
  readonly programs: { readonly agent: readonly string[]; readonly skeleton: readonly string[] };
}

/** Per second, of a process. */
export interface Work {
  readonly cpuPercent: number;
  readonly wakeUpsPerSecond: number;
}

export interface AgentFigures {
  readonly coldStartMs: readonly number[];
  readonly rest: Work & { readonly streamBytesPerHour: number };
  readonly load: Work;
  /** After the load. */
  readonly memory: { readonly agent: Memory; readonly skeleton: Memory; readonly emptyNode: Memory };
  readonly exitReportMs: readonly number[];
}

const PODS = 100;
const CHANGE_INTERVAL_MS = 3_000;
const CHANGES_PER_SCRAPE = 5;
/** After a start, until everything stands and what only the start needed is forgotten. */
const SETTLE_MS = 10_000;
const REST_SHARE = 0.2;
const REST_MIN_MS = 30_000;
const MINUTE_MS = 60_000;
/** Readings at the end, of which the median counts: memory goes up and down with each collection of garbage. */
const MEMORY_READINGS = 15;
const MEMORY_INTERVAL_MS = 1_000;

const never = new AbortController().signal;

/** One agent on a node of 100 Pods, in real time. */
export async function measureAgent(options: MeasureAgentOptions): Promise<AgentFigures> {
  const { clock, say, minutes, programs } = options;
  await using stand = await openNodeStand(clock);
  const node = await stand.openNode('node1');
  await node.pods.fill(PODS);
  say('agent: cold starts');
  const coldStartMs = await coldStarts(clock, stand.reports, () => node.start(programs.agent));
  await using agent = node.start(programs.agent);
  await agent.said('metricsPort');
  await sleep(clock, SETTLE_MS, never);
  say('agent: rest');
  const rest = await measureRest(options, stand, agent);
  await using skeleton = (await stand.openNode('node2')).start(programs.skeleton);
  await using emptyNode = (await stand.openNode('node3')).start(['--eval', 'setInterval(() => {}, 1e6)', '--']);
  say('agent: load');
  const load = await work(clock, agent, () => keepBusy(clock, node, [agent, skeleton], minutes * MINUTE_MS));
  const memory = {
    agent: await medianMemory(clock, agent),
    skeleton: await medianMemory(clock, skeleton),
    emptyNode: await readMemory(emptyNode.id),
  };
  say('agent: exits of containers');
  return { coldStartMs, rest, load, memory, exitReportMs: await exitReports(clock, stand.reports, node) };
}

async function measureRest({ clock, minutes }: MeasureAgentOptions, stand: NodeStand, agent: MeasuredProcess) {
  const restMs = Math.max(REST_MIN_MS, minutes * REST_SHARE * MINUTE_MS);
  const before = stand.reports.bytesOfFirst();
  const figures = await work(clock, agent, () => sleep(clock, restMs, never));
  const bytes = stand.reports.bytesOfFirst() - before;
  return { ...figures, streamBytesPerHour: (bytes / restMs) * 60 * MINUTE_MS };
}

/** What the process does while `run` runs. */
async function work(clock: Clock, { id }: MeasuredProcess, run: () => Promise<void>): Promise<Work> {
  const [before, startedAt] = [await readUsage(id), clock.now()];
  await run();
  const [after, tookMs] = [await readUsage(id), clock.now() - startedAt];
  return {
    cpuPercent: ((after.cpuMs - before.cpuMs) / tookMs) * 100,
    wakeUpsPerSecond: ((after.wakeUps - before.wakeUps) / tookMs) * 1_000,
  };
}

/** A Pod is replaced twenty times a minute, and a scrape comes every 15 s. */
async function keepBusy(
  clock: Clock,
  { pods }: StandNode,
  scraped: readonly MeasuredProcess[],
  forMs: number,
): Promise<void> {
  const ports = await Promise.all(scraped.map(process => process.said('metricsPort')));
  const endAt = clock.now() + forMs;
  for (let change = 0; clock.now() < endAt; change++) {
    await pods.replaceOldest();
    if (change % CHANGES_PER_SCRAPE === 0) await Promise.all(ports.map(scrape));
    await sleep(clock, CHANGE_INTERVAL_MS, never);
  }
}

async function scrape(port: unknown): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
  await answer.text();
}

async function medianMemory(clock: Clock, { id }: MeasuredProcess): Promise<Memory> {
  const readings: Memory[] = [];
  for (let reading = 0; reading < MEMORY_READINGS; reading++) {
    readings.push(await readMemory(id));
    await sleep(clock, MEMORY_INTERVAL_MS, never);
  }
  const sorted = readings.toSorted((a, b) => a.rssMiB - b.rssMiB);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (!median) throw new Error('there are no readings of memory');
  return median;
}
