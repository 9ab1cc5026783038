import type { Clock, Timer } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Random } from '../../common/random.ts';
import { afterProbe, type HealthState, type HealthStatus, UNPROBED } from './health.ts';
import {
  type Change,
  type HealthCheckSettings,
  type HttpCheckSettings,
  type ListenerSettings,
  type Place,
  type Protocol,
  targetKey,
} from './state.ts';
import { placeKey } from './target-pool.ts';

export interface ProbeTarget {
  readonly vip: string;
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  /** When set, the target must answer this request. */
  readonly http?: HttpCheckSettings;
}

/** Whether the target passes one check. Whatever is not there before the signal aborts, or rejects, has not passed. */
export type HealthProbe = (target: ProbeTarget, signal: AbortSignal) => Promise<boolean>;

export interface HealthTransition extends Place {
  readonly address: string;
  readonly port: number;
  readonly status: HealthStatus;
}

export interface HealthCheckerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly probe: HealthProbe;
  readonly onTransition: (transition: HealthTransition) => void;
}

interface CheckedTarget {
  readonly address: string;
  readonly port: number;
  state: HealthState;
  timer: Timer | undefined;
  /** Aborted when the target goes or its check changes. */
  stop: AbortController;
}

/** A listener of layer 4 or a rule: what has targets and a check for them. */
interface CheckedPlace {
  readonly place: Place;
  readonly vip: string;
  readonly protocol: Protocol;
  check: HealthCheckSettings;
  readonly targets: Map<string, CheckedTarget>;
}

/**
 * Probes every target of every listener and rule whose check is on, whatever its weight. A new target is probed for the first
 * time at a random moment of its first interval, so it takes up to interval times threshold to become healthy.
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #listeners = new Map<string, Pick<CheckedPlace, 'vip' | 'protocol'>>();
  /** By `placeKey`. */
  readonly #places = new Map<string, CheckedPlace>();

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
  }

  status(place: Place, key: string): HealthStatus {
    const checked = this.#places.get(placeKey(place));
    if (checked && !checked.check.enabled) return 'Close';
    return checked?.targets.get(key)?.state.status ?? 'Unknown';
  }

  apply(change: Change): void {
    switch (change.kind) {
      case 'listener-created':
        this.#create(change.vip, change.settings);
        return;
      case 'listener-modified':
        this.#modify({ listenerId: change.settings.id, locationId: '' }, change.settings.healthCheck);
        return;
      case 'listener-deleted':
        this.#listeners.delete(change.listenerId);
        this.#places.delete(change.listenerId);
        return;
      case 'rule-created':
        this.#createPlace(change, change.rule.healthCheck);
        return;
      case 'rule-modified':
        this.#modify(change, change.rule.healthCheck);
        return;
      case 'rule-deleted':
        this.#places.delete(placeKey(change));
        return;
      case 'target-registered':
        this.#add(change);
        return;
      case 'target-deregistered':
        this.#remove(change);
        return;
      case 'target-reweighted':
      case 'load-balancer-created':
      case 'load-balancer-deleted':
        return;
    }
  }

  /** No probe runs or starts after this. */
  stop(): void {
    for (const { targets } of this.#places.values()) {
      for (const target of targets.values()) this.#halt(target);
    }
    this.#places.clear();
  }

  #create(vip: string, { id, protocol, healthCheck }: ListenerSettings): void {
    this.#listeners.set(id, { vip, protocol });
    this.#createPlace({ listenerId: id, locationId: '' }, healthCheck);
  }

  #createPlace({ listenerId, locationId }: Place, check: HealthCheckSettings): void {
    const listener = this.#listeners.get(listenerId);
    const place = { listenerId, locationId };
    if (listener) this.#places.set(placeKey(place), { place, ...listener, check, targets: new Map() });
  }

  #add({ address, port, ...place }: Place & Pick<CheckedTarget, 'address' | 'port'>): void {
    const checked = this.#places.get(placeKey(place));
    if (!checked) return;
    const target: CheckedTarget = { address, port, state: UNPROBED, timer: undefined, stop: new AbortController() };
    checked.targets.set(targetKey(target), target);
    this.#begin(checked, target);
  }

  #remove(change: Place & Pick<CheckedTarget, 'address' | 'port'>): void {
    const targets = this.#places.get(placeKey(change))?.targets;
    const target = targets?.get(targetKey(change));
    if (target) this.#halt(target);
    targets?.delete(targetKey(change));
  }

  #modify(place: Place, check: HealthCheckSettings): void {
    const checked = this.#places.get(placeKey(place));
    if (!checked) return;
    const wasEnabled = checked.check.enabled;
    checked.check = check;
    for (const target of checked.targets.values()) {
      this.#halt(target);
      target.stop = new AbortController();
      if (!wasEnabled) target.state = UNPROBED;
      this.#begin(checked, target);
    }
  }

  #halt(target: CheckedTarget): void {
    target.timer?.cancel();
    target.stop.abort();
  }

  #begin(place: CheckedPlace, target: CheckedTarget): void {
    const { enabled, intervalMs } = place.check;
    if (enabled) this.#scheduleNext(place, target, this.#options.random.next() * intervalMs);
  }

  #scheduleNext(place: CheckedPlace, target: CheckedTarget, delayMs: number): void {
    const { signal } = target.stop;
    target.timer = this.#options.clock.schedule(delayMs, () => void this.#check(place, target, signal));
  }

  async #check(place: CheckedPlace, target: CheckedTarget, signal: AbortSignal): Promise<void> {
    const { check } = place;
    const startedAt = this.#options.clock.now();
    const passed = await this.#probe(place, target, signal);
    if (signal.aborted) return;
    const before = target.state.status;
    target.state = afterProbe(target.state, passed, check);
    if (target.state.status !== before) this.#tell(place, target);
    const tookMs = this.#options.clock.now() - startedAt;
    this.#scheduleNext(place, target, Math.max(0, check.intervalMs - tookMs));
  }

  async #probe({ vip, protocol, check }: CheckedPlace, target: CheckedTarget, signal: AbortSignal): Promise<boolean> {
    using limit = deadline(this.#options.clock, 'the health probe', check.timeoutMs, signal);
    const { address } = target;
    const port = check.checkPort ?? target.port;
    const asked = { vip, protocol, address, port, ...(check.http && { http: check.http }) };
    return await firstOf(this.#options.probe(asked, limit.signal), limit.signal);
  }

  #tell({ place }: CheckedPlace, { address, port, state }: CheckedTarget): void {
    this.#options.onTransition({ ...place, address, port, status: state.status });
  }
}

function firstOf(probe: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    signal.addEventListener('abort', () => resolve(false), { once: true });
    probe.then(resolve, () => resolve(false));
  });
}
