import type { BindingPlace } from '../core/binding-key.ts';
import { placeKey } from '../core/observation.ts';

/**
 * How many targets CLB took on a listener or forwarding rule when it answered that there are too many, by place key. A
 * quota that was raised for one load balancer shows nowhere, so CLB's refusal is the judge (clb-api section 3).
 */
export type LearntQuotas = ReadonlyMap<string, LearntQuota>;

interface LearntQuota {
  readonly targetsMax: number;
  readonly until: number;
}

export const NO_QUOTAS: LearntQuotas = new Map();

/** Then it is tried whether CLB takes more by now. */
const QUOTA_LIFE_MS = 600_000;

export function learnQuota(
  quotas: LearntQuotas,
  place: Pick<BindingPlace, 'listenerId' | 'locationId'>,
  targetsMax: number,
  now: number,
): LearntQuotas {
  const living = [...quotas].filter(([, quota]) => quota.until > now);
  return new Map(living).set(placeKey(place), { targetsMax, until: now + QUOTA_LIFE_MS });
}

export function quotaOf(
  quotas: LearntQuotas,
  place: Pick<BindingPlace, 'listenerId' | 'locationId'>,
  now: number,
): number | undefined {
  const quota = quotas.get(placeKey(place));
  return quota && quota.until > now ? quota.targetsMax : undefined;
}

/** When a quota ends, or undefined when none is learnt. */
export function nextQuotaEnd(quotas: LearntQuotas, now: number): number | undefined {
  const times = [...quotas.values()].map(({ until }) => until).filter(until => until > now);
  return times.length === 0 ? undefined : Math.min(...times);
}
