import type { Connection } from '../connections/source.ts';
import { connectionKey } from './counted-connections.ts';
import type { DrainLimits } from './drain-limits.ts';

/** The connections that count at one moment, or that they could not be read. */
export type Reading = readonly Connection[] | 'unreadable';

/** How quiet a Pod's target ports have become since weight 0 was read back. Times are the clock's. */
export interface Quiet {
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
  readonly next:
    | { readonly type: 'due'; readonly at: number }
    | { readonly type: 'underWay'; readonly startedAt: number };
}

/** Weight 0 was read back now. */
export function beginQuiet(settleMs: number, now: number): Quiet {
  return {
    settleMs,
    firstSettleUntil: now + settleMs,
    settleUntil: now + settleMs,
    known: undefined,
    last: undefined,
    emptySince: undefined,
    hasLateArrivals: false,
    next: { type: 'due', at: now },
  };
}

/** When to read next; never while a reading is under way. */
export function readingDue({ next }: Quiet): number {
  return next.type === 'due' ? next.at : Number.POSITIVE_INFINITY;
}

export function startReading(quiet: Quiet, now: number): Quiet {
  return { ...quiet, next: { type: 'underWay', startedAt: now } };
}

/** A reading says how things stood when it was started, not when its answer came. */
export function withReading(quiet: Quiet, reading: Reading, now: number, limits: DrainLimits): Quiet {
  const startedAt = quiet.next.type === 'underWay' ? quiet.next.startedAt : now;
  const next = { type: 'due', at: now + limits.readingIntervalMs } as const;
  if (reading === 'unreadable') {
    return { ...quiet, next, last: { startedAt, remaining: reading }, emptySince: undefined };
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
