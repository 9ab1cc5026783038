import type { TargetWrite } from '../core/lane-plan.ts';

/**
 * How long writes take, by kind: a base and so much per target. Kept as weighted sums over the calls seen, in which
 * older calls count less and less.
 */
export type CallTimes = ReadonlyMap<TargetWrite['kind'], CallSums>;

export interface CallSums {
  readonly weight: number;
  readonly targets: number;
  readonly durationMs: number;
  readonly targetsSquared: number;
  readonly product: number;
}

export const NO_CALL_TIMES: CallTimes = new Map();

/** What a call still counts after the next one was seen. */
const FADING = 0.8;
/** Until calls have shown better. Published times lie below it (clb-api section 4). */
const ASSUMED_BASE_MS = 200;
const ASSUMED_PER_TARGET_MS = 10;
/** Calls whose sizes differ less than about the square root of this say little about the time per target. */
const TELLING_VARIANCE = 100;

/** A call that did its work took so long. */
export function learnCall(
  times: CallTimes,
  kind: TargetWrite['kind'],
  call: { readonly targets: number; readonly durationMs: number },
): CallTimes {
  const { targets, durationMs } = call;
  const before = times.get(kind) ?? { weight: 0, targets: 0, durationMs: 0, targetsSquared: 0, product: 0 };
  return new Map(times).set(kind, {
    weight: before.weight * FADING + 1,
    targets: before.targets * FADING + targets,
    durationMs: before.durationMs * FADING + durationMs,
    targetsSquared: before.targetsSquared * FADING + targets ** 2,
    product: before.product * FADING + targets * durationMs,
  });
}

export function expectedMs(times: CallTimes, kind: TargetWrite['kind'], targets: number): number {
  const { baseMs, perTargetMs } = line(times.get(kind));
  return baseMs + perTargetMs * targets;
}

/** How many targets fit in a call that ends within `durationMs`; at least 1. */
export function targetsWithin(times: CallTimes, kind: TargetWrite['kind'], durationMs: number): number {
  const { baseMs, perTargetMs } = line(times.get(kind));
  return Math.max(1, Math.floor((durationMs - baseMs) / Math.max(perTargetMs, Number.EPSILON)));
}

/**
 * The straight line through the calls seen. Where their sizes hardly differ, the time per target is the assumed one, or
 * all of the time that they took if that is less.
 */
function line(sums: CallSums | undefined): { baseMs: number; perTargetMs: number } {
  if (!sums) return { baseMs: ASSUMED_BASE_MS, perTargetMs: ASSUMED_PER_TARGET_MS };
  const targets = sums.targets / sums.weight;
  const durationMs = sums.durationMs / sums.weight;
  const variance = sums.targetsSquared / sums.weight - targets ** 2;
  const covariance = sums.product / sums.weight - targets * durationMs;
  const perTargetMaxMs = durationMs / targets;
  const likelyMs = Math.min(ASSUMED_PER_TARGET_MS, perTargetMaxMs);
  const slope = (covariance + TELLING_VARIANCE * likelyMs) / (variance + TELLING_VARIANCE);
  const perTargetMs = Math.min(Math.max(0, slope), perTargetMaxMs);
  return { baseMs: durationMs - perTargetMs * targets, perTargetMs };
}
