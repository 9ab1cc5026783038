import { type Connection, connectionKey } from '../connections/source.ts';
import type { DrainLimits } from './drain-limits.ts';

/** The connections that count at one moment, or that they could not be read. */
export type Reading = readonly Connection[] | 'unreadable';

/** Idle times take two processes to read. */
const IDLE_READING_INTERVAL_MS = 1_000;

/** How quiet a Pod's target ports have become since weight 0 was read back. Times are the clock's. */
export interface Quiet {
  readonly weightZeroAt: number;
  readonly settleMs: number;
  /** End of the first settling; a connection that comes later shows a load balancer that ignores weight 0. */
  readonly firstSettleUntil: number;
  /** New connections may come until then without meaning anything; each one that comes puts it off. */
  readonly settleUntil: number;
  /** Keys of the last reading that succeeded: what is not among them is new. Undefined before the first. */
  readonly known: ReadonlySet<string> | undefined;
  readonly last: { readonly startedAt: number; readonly remaining: number | 'unreadable' } | undefined;
  /** Start of the first of the latest readings after settling that all found none. */
  readonly emptySince: number | undefined;
  readonly hasLateArrivals: boolean;
  /** When the last connection was seen that the reading before had not found. */
  readonly lastArrivalAt: number | undefined;
  /** Connections that one reading found and the next did not. */
  readonly ended: number;
  /** The last reading, started after settling, found every connection idle for long enough. */
  readonly isIdle: boolean;
  /** Before that no reading can find every connection idle for long enough. */
  readonly idleAt: number;
  readonly next: { readonly type: 'due'; readonly at: number } | UnderWay;
}

interface UnderWay {
  readonly type: 'underWay';
  readonly startedAt: number;
  /** The reading was asked for idle times too. */
  readonly withIdleTimes: boolean;
}

/** Weight 0 was read back now. */
export function beginQuiet(settleMs: number, now: number): Quiet {
  return {
    weightZeroAt: now,
    settleMs,
    firstSettleUntil: now + settleMs,
    settleUntil: now + settleMs,
    known: undefined,
    last: undefined,
    emptySince: undefined,
    hasLateArrivals: false,
    lastArrivalAt: undefined,
    ended: 0,
    isIdle: false,
    idleAt: now,
    next: { type: 'due', at: now },
  };
}

/** When to read next; never while a reading is under way. */
export function readingDue({ next }: Quiet): number {
  return next.type === 'due' ? next.at : Number.POSITIVE_INFINITY;
}

export function startReading(quiet: Quiet, now: number, limits: DrainLimits): Quiet & { readonly next: UnderWay } {
  return { ...quiet, next: { type: 'underWay', startedAt: now, withIdleTimes: wantsIdleTimes(quiet, now, limits) } };
}

/** They cost more, so they are asked for only where they can end the wait. */
function wantsIdleTimes({ last, settleUntil, idleAt }: Quiet, now: number, { idleMs }: DrainLimits): boolean {
  const hasConnections = last !== undefined && last.remaining !== 'unreadable' && last.remaining > 0;
  return idleMs !== undefined && hasConnections && now >= settleUntil && now >= idleAt;
}

/** A reading says how things stood when it was started, not when its answer came. */
export function withReading(quiet: Quiet, reading: Reading, now: number, limits: DrainLimits): Quiet {
  const startedAt = quiet.next.type === 'underWay' ? quiet.next.startedAt : now;
  const next = { type: 'due', at: now + limits.readingIntervalMs } as const;
  if (reading === 'unreadable') {
    return { ...quiet, next, last: { startedAt, remaining: reading }, emptySince: undefined, isIdle: false };
  }
  const keys = new Set(reading.map(connectionKey));
  const isArrival = quiet.known !== undefined && [...keys].some(key => !quiet.known?.has(key));
  const settleUntil = isArrival ? now + quiet.settleMs : quiet.settleUntil;
  const isEmpty = keys.size === 0 && startedAt >= settleUntil;
  return {
    ...quiet,
    settleUntil,
    known: keys,
    last: { startedAt, remaining: keys.size },
    emptySince: isEmpty ? (quiet.emptySince ?? startedAt) : undefined,
    hasLateArrivals: quiet.hasLateArrivals || (isArrival && startedAt >= quiet.firstSettleUntil),
    lastArrivalAt: isArrival ? now : quiet.lastArrivalAt,
    ended: quiet.ended + [...(quiet.known ?? [])].filter(key => !keys.has(key)).length,
    isIdle: startedAt >= settleUntil && isEveryIdle(reading, limits),
    idleAt: nextIdleAt(quiet, reading, now, limits),
    next,
  };
}

/** Two readings after settling, far enough apart, and all between them, found no connection. */
export function isQuiet({ emptySince, last }: Quiet, limits: DrainLimits): boolean {
  if (emptySince === undefined || last === undefined) return false;
  return last.startedAt - emptySince >= limits.readingIntervalMs;
}

/** What the last reading found, if it was started after settling. */
export function remainingAfterSettling({ last, settleUntil }: Quiet): number | 'unreadable' | undefined {
  return last && last.startedAt >= settleUntil ? last.remaining : undefined;
}

function isEveryIdle(reading: readonly Connection[], { idleMs = Number.POSITIVE_INFINITY }: DrainLimits): boolean {
  return reading.length > 0 && shortestIdleMs(reading) >= idleMs;
}

/** When every connection can have become idle at the earliest: the busiest of them needs its whole time. */
function nextIdleAt({ next, idleAt }: Quiet, reading: readonly Connection[], now: number, limits: DrainLimits): number {
  if (limits.idleMs === undefined || next.type !== 'underWay' || !next.withIdleTimes) return idleAt;
  return now + Math.max(limits.idleMs - shortestIdleMs(reading), IDLE_READING_INTERVAL_MS);
}

function shortestIdleMs(reading: readonly Connection[]): number {
  return reading.reduce((shortest, { idleMs = 0 }) => Math.min(shortest, idleMs), Number.POSITIVE_INFINITY);
}
