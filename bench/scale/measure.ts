import assert from 'node:assert/strict';
import type { Clock } from '../../common/clock.ts';
import { quantile } from '../quantile.ts';
import type { ScaleSize } from './population.ts';
import { Term } from './term.ts';

export interface StartFigures {
  /** Real milliseconds: all nodes' snapshots into the report store. */
  readonly reportsMs: number;
  /** From the beginning of the term to the first plan of every lane. */
  readonly decidedMs: number;
  /** After it: Pods confirmed by the API server, health read, gates looked at. */
  readonly settledMs: number;
  readonly longestTurnMs: number;
  /** What the process holds before there is a cluster, and after. */
  readonly baseMiB: Memory;
  readonly settledMiB: Memory;
  readonly peakRssMiB: number;
  /** Processor time in one minute without any event. */
  readonly idleCpuMsPerMinute: number;
  /** Of one scrape, all of which the event loop is kept busy; the median of several. */
  readonly scrapeMs: number;
}

export interface Memory {
  /** Of live objects, after a garbage collection. */
  readonly heap: number;
  readonly rss: number;
}

export interface EventOptions {
  readonly events: number;
  /** Before them, not counted: the compiler warms up. */
  readonly warmUpEvents: number;
}

export interface EventFigures {
  readonly events: number;
  /** Real time of everything that one Pod event causes within EVENT_MS: decision, write, read, and what comes by then. */
  readonly eventMs: Quantiles;
  /** The same time without an event: what goes on anyway. */
  readonly quietMs: Quantiles;
  /** Allocated by one event, the quiet share taken off. */
  readonly bytesPerEvent: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** Virtual time. An event is over after 40 ms; health is read each 200 ms, so most windows are without. */
const SETTLING_MS = 10_000;
const IDLE_MINUTES = 3;
const EVENT_MS = 70;
const SCRAPES = 21;
const MIB = 2 ** 20;

/** A new leader over a large cluster, and then a quiet one. */
export async function measureStart(size: ScaleSize, real: Clock): Promise<StartFigures> {
  const baseMiB = memory();
  const term = new Term(size, real);
  const reportsMs = term.applyReports();
  const decidedMs = await term.lead();
  const settledMs = await workOf(term, SETTLING_MS);
  const longestTurnMs = term.meter.longestMs;
  const peakRssMiB = process.resourceUsage().maxRSS / 1024;
  const settledMiB = memory();
  const before = process.cpuUsage();
  await term.meter.advance(IDLE_MINUTES * 60_000);
  const { user, system } = process.cpuUsage(before);
  const idleCpuMsPerMinute = (user + system) / 1000 / IDLE_MINUTES;
  const scrapeMs = await medianScrapeMs(term);
  await term.close();
  return {
    scrapeMs,
    reportsMs,
    decidedMs,
    settledMs,
    longestTurnMs,
    baseMiB,
    settledMiB,
    peakRssMiB,
    idleCpuMsPerMinute,
  };
}

async function medianScrapeMs(term: Term): Promise<number> {
  const scrapesMs: number[] = [];
  for (let scrape = 0; scrape < SCRAPES; scrape += 1) scrapesMs.push(await term.scrape());
  return quantile(scrapesMs, 0.5);
}

/** One Pod after the other loses its readiness and gets it back, while nothing else happens. */
export async function measureEvents(
  size: ScaleSize,
  { events, warmUpEvents }: EventOptions,
  real: Clock,
): Promise<EventFigures> {
  const term = new Term(size, real);
  term.applyReports();
  await term.lead();
  await workOf(term, SETTLING_MS);
  const changes = term.weightChanges;
  const quiet: Window[] = [];
  const busy: Window[] = [];
  for (let event = 0; event < warmUpEvents + events; event += 1) {
    quiet.push(await window(term, () => undefined));
    // Pods that follow one another belong to different Services, so that law L2 holds nothing back.
    busy.push(await window(term, () => term.podChanges(Math.floor(event / 2) % size.pods, event % 2 === 1)));
  }
  assert.equal(term.weightChanges - changes, warmUpEvents + events, 'every event changes one weight');
  await term.close();
  const measured = busy.slice(warmUpEvents);
  const compared = quiet.slice(warmUpEvents);
  return {
    events,
    eventMs: quantiles(measured.map(each => each.workMs)),
    quietMs: quantiles(compared.map(each => each.workMs)),
    bytesPerEvent: bytesOf(measured) - bytesOf(compared),
  };
}

interface Window {
  readonly workMs: number;
  /** Growth of the heap; negative when garbage was collected meanwhile. */
  readonly bytes: number;
}

async function window(term: Term, act: () => void): Promise<Window> {
  const before = process.memoryUsage().heapUsed;
  const workMs = await workOf(term, EVENT_MS, act);
  return { workMs, bytes: process.memoryUsage().heapUsed - before };
}

/** Real milliseconds of the coordinator's work in so much virtual time. */
async function workOf(term: Term, durationMs: number, act: () => void = () => undefined): Promise<number> {
  term.meter.reset();
  term.meter.perform(act);
  await term.meter.advance(durationMs);
  return term.meter.totalMs;
}

/** The median is of a window in which no garbage was collected: most are. */
function bytesOf(windows: readonly Window[]): number {
  return quantile(
    windows.map(each => each.bytes),
    0.5,
  );
}

function quantiles(values: readonly number[]): Quantiles {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}

function memory(): Memory {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed / MIB, rss: rss / MIB };
}
