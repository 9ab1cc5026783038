import { backoffBoundMs } from '../../common/backoff.ts';
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { Cloud, CloudResult, TargetHealth } from '../cloud/types.ts';
import type { HealthNeed, Lane } from './lane.ts';
import { loggedError } from './lane-errors.ts';

export interface HealthTiming {
  readonly slowMs: number;
  /** While a gate waits. */
  readonly fastMs: number;
}

export const DEFAULT_HEALTH_TIMING: HealthTiming = { slowMs: 5_000, fastMs: 500 };

export interface HealthPollerOptions {
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly timing: HealthTiming;
  readonly log: Logger;
}

/** What the poller needs of a lane. */
export type PolledLane = Pick<Lane, 'loadBalancerId' | 'healthNeed' | 'watchHealthNeed' | 'takeHealth' | 'readFailed'>;

/** clb-api section 1.1. */
const LOAD_BALANCERS_PER_CALL_MAX = 30;
const CALLS_IN_FLIGHT_MAX = 4;
/** Calls for which nobody waits start this far apart: with thousands of load balancers a round takes longer instead. */
const SLOW_CALL_SPACING_MS = 200;
/** What is due within this share of its period travels along. */
const EARLY_SHARE = 0.2;
const BACKOFF = { initialMs: 500, maximumMs: 5_000 };

interface Polled {
  readonly lane: PolledLane;
  /** Start of the last read, or negative infinity. */
  readAt: number;
  /** Not before this, because reads failed. */
  notBefore: number;
  failuresInRow: number;
  isBeingRead: boolean;
}

/** Reads the health of all lanes' targets, many load balancers in one call, often only where somebody waits for it. */
export class HealthPoller {
  readonly #options: HealthPollerOptions;
  readonly #wakeup: Wakeup;
  readonly #polled = new Map<PolledLane, Polled>();
  readonly #inFlight = new Set<Promise<void>>();
  #slowCallAt = Number.NEGATIVE_INFINITY;

  constructor(options: HealthPollerOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  attach(lane: PolledLane): void {
    const never = Number.NEGATIVE_INFINITY;
    this.#polled.set(lane, { lane, readAt: never, notBefore: never, failuresInRow: 0, isBeingRead: false });
    lane.watchHealthNeed(() => this.#wakeup.wake());
    this.#wakeup.wake();
  }

  detach(lane: PolledLane): void {
    this.#polled.delete(lane);
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const calls = this.#inFlight.size < CALLS_IN_FLIGHT_MAX ? this.#nextCall() : undefined;
      if (calls) this.#begin(calls, signal);
      else await this.#wakeup.wait(signal, this.#idleMs());
    }
    await Promise.all(this.#inFlight);
  }

  /** The lanes of the next call, or undefined when none is due. Those for which somebody waits come first. */
  #nextCall(): { need: 'fast' | 'slow'; lanes: readonly Polled[] } | undefined {
    const now = this.#now();
    for (const need of ['fast', 'slow'] as const) {
      if (need === 'slow' && now < this.#slowCallAt) continue;
      const waiting = this.#waiting(need);
      if (!waiting.some(polled => this.#dueAt(polled, need) <= now)) continue;
      const joinUntil = now + this.#periodMs(need) * EARLY_SHARE;
      const lanes = waiting
        .filter(polled => polled.notBefore <= now && this.#dueAt(polled, need) <= joinUntil)
        .sort(
          (a, b) => Number(b.lane.healthNeed === 'fast') - Number(a.lane.healthNeed === 'fast') || a.readAt - b.readAt,
        )
        .slice(0, LOAD_BALANCERS_PER_CALL_MAX);
      return { need, lanes };
    }
    return undefined;
  }

  #waiting(need: HealthNeed): Polled[] {
    return [...this.#polled.values()].filter(polled => !polled.isBeingRead && needOf(polled) === need);
  }

  #dueAt(polled: Polled, need: 'fast' | 'slow'): number {
    return Math.max(polled.readAt + this.#periodMs(need), polled.notBefore);
  }

  #periodMs(need: 'fast' | 'slow'): number {
    return need === 'fast' ? this.#options.timing.fastMs : this.#options.timing.slowMs;
  }

  #idleMs(): number | undefined {
    if (this.#inFlight.size >= CALLS_IN_FLIGHT_MAX) return undefined;
    const fast = this.#waiting('fast').map(polled => this.#dueAt(polled, 'fast'));
    const slow = this.#waiting('slow').map(polled => Math.max(this.#dueAt(polled, 'slow'), this.#slowCallAt));
    const next = [...fast, ...slow].reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
    return Number.isFinite(next) ? Math.max(1, next - this.#now()) : undefined;
  }

  #begin(call: { need: 'fast' | 'slow'; lanes: readonly Polled[] }, signal: AbortSignal): void {
    if (call.need === 'slow') this.#slowCallAt = this.#now() + SLOW_CALL_SPACING_MS;
    for (const polled of call.lanes) {
      polled.isBeingRead = true;
      polled.readAt = this.#now();
    }
    const priority = call.need === 'fast' ? 'normal' : 'background';
    const reading = this.#read(call.lanes, priority, signal)
      // A stop cuts reads short; that is no failure.
      .catch(error => {
        if (!signal.aborted) throw error;
      })
      .finally(() => {
        for (const polled of call.lanes) polled.isBeingRead = false;
        this.#inFlight.delete(reading);
        this.#wakeup.wake();
      });
    this.#inFlight.add(reading);
  }

  /** One load balancer that CLB does not like must not hide the health of the others (law L10). */
  async #read(lanes: readonly Polled[], priority: 'normal' | 'background', signal: AbortSignal): Promise<void> {
    const ids = lanes.map(({ lane }) => lane.loadBalancerId);
    const startedAt = this.#now();
    const result = await this.#options.cloud.describeTargetHealth(ids, signal, priority);
    if (signal.aborted) return;
    if (!result.ok && result.error.blames === 'items' && lanes.length > 1) {
      const middle = Math.ceil(lanes.length / 2);
      await this.#read(lanes.slice(0, middle), priority, signal);
      await this.#read(lanes.slice(middle), priority, signal);
    } else this.#take(lanes, startedAt, result);
  }

  #take(lanes: readonly Polled[], startedAt: number, result: CloudResult<TargetHealth[]>): void {
    if (!result.ok) {
      const loadBalancers = lanes.map(({ lane }) => lane.loadBalancerId);
      this.#options.log.warn('a read of target health failed', { ...loggedError(result.error), loadBalancers });
      for (const polled of lanes) {
        this.#putOff(polled);
        polled.lane.readFailed(result.error);
      }
      return;
    }
    const health = Map.groupBy(result.value, entry => entry.loadBalancerId);
    for (const polled of lanes) {
      polled.failuresInRow = 0;
      if (!this.#polled.has(polled.lane)) continue;
      polled.lane.takeHealth({ startedAt, health: health.get(polled.lane.loadBalancerId) ?? [] });
    }
  }

  #putOff(polled: Polled): void {
    polled.failuresInRow += 1;
    const backoffMs = backoffBoundMs(polled.failuresInRow - 1, BACKOFF);
    polled.notBefore = this.#now() + backoffMs;
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

/** Until health is known, law L2 takes any target for the last open one: the first read does not wait. */
function needOf({ lane, readAt }: Polled): HealthNeed {
  return lane.healthNeed === 'slow' && readAt === Number.NEGATIVE_INFINITY ? 'fast' : lane.healthNeed;
}
