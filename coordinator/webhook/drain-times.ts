import type { DrainAnswer } from '../../proto/gen/clbdirect/v1/report.ts';
import { SLEEP_SECONDS_DEFAULT } from './surroundings.ts';

/** How drains end in which the load balancer was waited for, so that they tell how long that takes. */
const TELLING_REASONS = ['drained', 'idle-connections', 'connections-left', 'deregistered-with-connections'];
/** More than one account has. */
const LOAD_BALANCERS_MAX = 10_000;
/** The last ones of a load balancer; the slowest one of a hundred counts. */
const DRAINS_PER_LOAD_BALANCER = 100;
const SHARE = 0.99;
/** A sleep begins when the Pod is deleted, a drain without a hook when a coordinator hears of it. */
const MARGIN_MS = 2_000;
const SLEEP_SECONDS_MIN = 5;

/** How long drains took on each load balancer, for Pods whose preStop cannot ask and has to sleep. */
export class DrainTimes {
  /** In milliseconds, the oldest drain first; the load balancer that was told of least recently first. */
  readonly #held = new Map<string, readonly number[]>();

  ended({ reason, heldMs }: Pick<DrainAnswer, 'reason' | 'heldMs'>, loadBalancerIds: Iterable<string>): void {
    if (!TELLING_REASONS.includes(reason)) return;
    for (const id of loadBalancerIds) this.#note(id, heldMs);
  }

  /** Enough for all but the slowest of the last drains on the slowest of these load balancers, and a margin. */
  sleepSeconds(loadBalancerIds: Iterable<string>): number {
    const times = [...loadBalancerIds].map(id => this.#held.get(id)).filter(held => held !== undefined);
    if (times.length === 0) return SLEEP_SECONDS_DEFAULT;
    const slowestMs = Math.max(...times.map(slowest));
    return Math.max(SLEEP_SECONDS_MIN, Math.ceil((slowestMs + MARGIN_MS) / 1_000));
  }

  #note(loadBalancerId: string, heldMs: number): void {
    const held = this.#held.get(loadBalancerId) ?? [];
    this.#held.delete(loadBalancerId);
    this.#held.set(loadBalancerId, [...held, heldMs].slice(-DRAINS_PER_LOAD_BALANCER));
    const [oldest] = this.#held.keys();
    if (this.#held.size > LOAD_BALANCERS_MAX && oldest !== undefined) this.#held.delete(oldest);
  }
}

function slowest(held: readonly number[]): number {
  const sorted = held.toSorted((a, b) => a - b);
  return sorted[Math.ceil(SHARE * sorted.length) - 1] ?? 0;
}
