/**
 * How fast one action may be called, found by trying: other users of the account spend the same rate and do not tell.
 * It is halved when CLB refuses a request for its rate (not twice for requests of one round trip), soon regains most of
 * what was refused, since it was refused for a little too much, and then grows ever faster until CLB refuses again or
 * nothing is missing.
 */
export interface AdaptiveRate {
  /** Requests per second, as are all of these. Never exceeded. */
  readonly ceiling: number;
  readonly cutTo: number;
  readonly regainTo: number;
  /** Monotonic milliseconds. What was sent until then was sent at the rate before the cut. */
  readonly cutAt: number;
}

/** Even a full account is asked so often per second, since nothing else tells when it has room again. */
const RATE_FLOOR = 1;
/** The part of a refused rate that is taken to be free. */
const REGAINED_SHARE = 0.9;
const REGAIN_MS = 1000;
/** From nothing to the ceiling: slowly at first, since what was refused lately is likely refused again. */
const GROWTH_MS = 45_000;
/** Nothing is sent for so long after a cut, so that the second in which too much was sent passes. */
const REST_MS = 500;

export function fullRate(ceiling: number): AdaptiveRate {
  return { ceiling, cutTo: ceiling, regainTo: ceiling, cutAt: Number.NEGATIVE_INFINITY };
}

/** After CLB refused, at `now`, a request that was sent at `sentAt`. */
export function afterThrottled(rate: AdaptiveRate, { sentAt, now }: { sentAt: number; now: number }): AdaptiveRate {
  if (sentAt <= rate.cutAt) return rate;
  const { ceiling } = rate;
  const refused = rateAt(rate, now);
  const cutTo = Math.min(ceiling, Math.max(RATE_FLOOR, refused / 2));
  return { ceiling, cutTo, regainTo: Math.max(cutTo, refused * REGAINED_SHARE), cutAt: now };
}

/** Nothing may be sent before this time. */
export function restsUntil({ cutAt }: AdaptiveRate): number {
  return cutAt + REST_MS;
}

/** Requests per second at `now`; while it rests, what it goes on with. */
export function rateAt(rate: AdaptiveRate, now: number): number {
  const { ceiling, cutTo, regainTo } = rate;
  const elapsedMs = Math.max(0, now - restsUntil(rate));
  const regained = (regainTo - cutTo) * Math.min(1, elapsedMs / REGAIN_MS);
  const grown = ceiling * (Math.max(0, elapsedMs - REGAIN_MS) / GROWTH_MS) ** 2;
  return Math.min(ceiling, cutTo + regained + grown);
}
