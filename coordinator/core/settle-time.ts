/** When the last new connection of a drained Pod came, counted from the read that showed its weight 0. */
interface Arrival {
  readonly at: number;
  readonly lastArrivalMs: number;
}

/** What drains have shown of how long a load balancer goes on sending; the newest last. */
export type Arrivals = readonly Arrival[];

const SETTLE_MAX_MS = 10_000;
/** What was seen is no bound: the next drain may be a little slower. */
const MARGIN_MS = 1_000;
/** A load balancer is not as slow for ever as it was once, nor as fast. */
const REMEMBERED_MS = 3_600_000;
const ARRIVALS_MAX = 50;

/** @param lastArrivalMs 0 when no connection came */
export function withArrival(known: Arrivals, lastArrivalMs: number, now: number): Arrivals {
  return [...recent(known, now), { at: now, lastArrivalMs }].slice(-ARRIVALS_MAX);
}

/**
 * How long new connections may still arrive after weight 0 was read back. Late arrivals make it longer; that none came makes
 * it no shorter, since where few clients connect it says nothing.
 */
export function settleTimeMs(known: Arrivals, { defaultMs, now }: { defaultMs: number; now: number }): number {
  const arrivals = recent(known, now);
  const longestMs = Math.max(0, ...arrivals.map(({ lastArrivalMs }) => lastArrivalMs));
  return Math.max(defaultMs, Math.min(SETTLE_MAX_MS, longestMs + MARGIN_MS));
}

function recent(known: Arrivals, now: number): Arrivals {
  return known.filter(({ at }) => now - at < REMEMBERED_MS);
}
