import type { Clock, Timer } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Random } from '../../common/random.ts';
import { afterProbe, type HealthState, type HealthStatus, UNPROBED } from './health.ts';
import { type Change, type ListenerSettings, type Place, type Protocol, targetKey } from './state.ts';

export interface ProbeTarget {
  readonly vip: string;
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
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

interface CheckedListener {
  readonly vip: string;
  settings: ListenerSettings;
  readonly targets: Map<string, CheckedTarget>;
}

/**
 * Probes every target of every listener whose check is on, whatever its weight. A new target is probed for the first
 * time at a random moment of its first interval, so it takes up to interval times threshold to become healthy.
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #listeners = new Map<string, CheckedListener>();

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
  }

  status(place: Place, key: string): HealthStatus {
    const listener = this.#listeners.get(place.listenerId);
    if (listener && !listener.settings.healthCheck.enabled) return 'Close';
    return listener?.targets.get(key)?.state.status ?? 'Unknown';
  }

  apply(change: Change): void {
    if ('locationId' in change && change.locationId !== '') return;
    switch (change.kind) {
      case 'listener-created':
        this.#listeners.set(change.settings.id, { vip: change.vip, settings: change.settings, targets: new Map() });
        return;
      case 'listener-modified':
        this.#modify(change.settings);
        return;
      case 'listener-deleted':
        this.#listeners.delete(change.listenerId);
        return;
      case 'target-registered':
        this.#add(change.listenerId, change.address, change.port);
        return;
      case 'target-deregistered':
        this.#remove(change.listenerId, targetKey(change));
        return;
      case 'target-reweighted':
      case 'rule-created':
      case 'rule-modified':
      case 'rule-deleted':
      case 'load-balancer-created':
      case 'load-balancer-deleted':
        return;
    }
  }

  /** No probe runs or starts after this. */
  stop(): void {
    for (const listener of this.#listeners.values()) {
      for (const target of listener.targets.values()) this.#halt(target);
    }
    this.#listeners.clear();
  }

  #add(listenerId: string, address: string, port: number): void {
    const listener = this.#listeners.get(listenerId);
    if (!listener) return;
    const target: CheckedTarget = { address, port, state: UNPROBED, timer: undefined, stop: new AbortController() };
    listener.targets.set(targetKey(target), target);
    this.#begin(listener, target);
  }

  #remove(listenerId: string, key: string): void {
    const listener = this.#listeners.get(listenerId);
    const target = listener?.targets.get(key);
    if (target) this.#halt(target);
    listener?.targets.delete(key);
  }

  #modify(settings: ListenerSettings): void {
    const listener = this.#listeners.get(settings.id);
    if (!listener) return;
    const wasEnabled = listener.settings.healthCheck.enabled;
    listener.settings = settings;
    for (const target of listener.targets.values()) {
      this.#halt(target);
      target.stop = new AbortController();
      if (!wasEnabled) target.state = UNPROBED;
      this.#begin(listener, target);
    }
  }

  #halt(target: CheckedTarget): void {
    target.timer?.cancel();
    target.stop.abort();
  }

  #begin(listener: CheckedListener, target: CheckedTarget): void {
    const { enabled, intervalMs } = listener.settings.healthCheck;
    if (enabled) this.#scheduleNext(listener, target, this.#options.random.next() * intervalMs);
  }

  #scheduleNext(listener: CheckedListener, target: CheckedTarget, delayMs: number): void {
    const { signal } = target.stop;
    target.timer = this.#options.clock.schedule(delayMs, () => void this.#check(listener, target, signal));
  }

  async #check(listener: CheckedListener, target: CheckedTarget, signal: AbortSignal): Promise<void> {
    const { healthCheck } = listener.settings;
    const startedAt = this.#options.clock.now();
    const passed = await this.#probe(listener, target, signal);
    if (signal.aborted) return;
    const before = target.state.status;
    target.state = afterProbe(target.state, passed, healthCheck);
    if (target.state.status !== before) this.#tell(listener, target);
    const tookMs = this.#options.clock.now() - startedAt;
    this.#scheduleNext(listener, target, Math.max(0, healthCheck.intervalMs - tookMs));
  }

  async #probe(listener: CheckedListener, target: CheckedTarget, signal: AbortSignal): Promise<boolean> {
    const { vip, settings } = listener;
    const { timeoutMs, checkPort } = settings.healthCheck;
    using limit = deadline(this.#options.clock, 'the health probe', timeoutMs, signal);
    const port = checkPort ?? target.port;
    const asked = { vip, protocol: settings.protocol, address: target.address, port };
    return await firstOf(this.#options.probe(asked, limit.signal), limit.signal);
  }

  #tell(listener: CheckedListener, target: CheckedTarget): void {
    const { address, port, state } = target;
    this.#options.onTransition({
      listenerId: listener.settings.id,
      locationId: '',
      address,
      port,
      status: state.status,
    });
  }
}

function firstOf(probe: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    signal.addEventListener('abort', () => resolve(false), { once: true });
    probe.then(resolve, () => resolve(false));
  });
}
