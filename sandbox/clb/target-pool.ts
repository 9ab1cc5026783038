import type { HealthStatus } from './health.ts';
import { type Place, targetKey } from './state.ts';
import { chooseByWeight, eligibleTargets } from './target-choice.ts';

export interface TargetAddress extends Place {
  readonly address: string;
  readonly port: number;
}

export interface PoolOptions {
  readonly health: (place: Place, key: string) => HealthStatus;
  readonly sessionsIgnoreWeightZero: boolean;
}

export interface Choice {
  /** By the clock. */
  readonly now: number;
  /** The target that a session leads to, by `targetKey`. */
  readonly preferred?: string | undefined;
  /** Targets that were tried in vain, by `targetKey`. */
  readonly except?: ReadonlySet<string>;
}

interface PoolTarget {
  readonly at: TargetAddress;
  weight: number;
  /** The running value of smooth weighted round robin. */
  current: number;
  /** In a row, none of them older than the last pause. */
  failures: number;
  /** By the clock. */
  pausedUntil: number;
}

/** The passive check of layer 7: this many failures in a row pause a target for this long. */
const FAILURES_MAX = 3;
const PAUSE_MS = 10_000;

/** The targets of one place as one forwarder knows them. */
export class TargetPool {
  readonly #place: Place;
  readonly #options: PoolOptions;
  readonly #targets = new Map<string, PoolTarget>();

  constructor(place: Place, options: PoolOptions) {
    this.#place = place;
    this.#options = options;
  }

  weights(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#targets].map(([key, { weight }]) => [key, weight]));
  }

  weigh({ address, port }: Pick<TargetAddress, 'address' | 'port'>, weight: number): void {
    const key = targetKey({ address, port });
    const known = this.#targets.get(key);
    if (known) known.weight = weight;
    else {
      const at = { listenerId: this.#place.listenerId, locationId: this.#place.locationId, address, port };
      this.#targets.set(key, { at, weight, current: 0, failures: 0, pausedUntil: 0 });
    }
  }

  remove(target: Pick<TargetAddress, 'address' | 'port'>): void {
    this.#targets.delete(targetKey(target));
  }

  /** Where something new goes, or undefined when nothing may get it. */
  choose(choice: Choice): TargetAddress | undefined {
    return (this.#preferred(choice) ?? this.#next(choice))?.at;
  }

  /** The passive check: what became of an attempt to reach the target. */
  note(target: TargetAddress, attempt: { readonly reached: boolean; readonly now: number }): void {
    const known = this.#targets.get(targetKey(target));
    if (!known) return;
    known.failures = attempt.reached ? 0 : known.failures + 1;
    if (known.failures < FAILURES_MAX) return;
    known.failures = 0;
    known.pausedUntil = attempt.now + PAUSE_MS;
  }

  #preferred({ preferred = '', except, now }: Choice): PoolTarget | undefined {
    const target = this.#targets.get(preferred);
    if (!target || except?.has(preferred) || target.pausedUntil > now || this.#status(target) === 'Dead') {
      return undefined;
    }
    return target.weight > 0 || this.#options.sessionsIgnoreWeightZero ? target : undefined;
  }

  /** The next by weight. When all that could be chosen are paused, none is. */
  #next({ except, now }: Choice): PoolTarget | undefined {
    const candidates = [...this.#targets.values()].map(target => ({
      target,
      weight: target.weight,
      status: this.#status(target),
    }));
    const eligible = eligibleTargets(candidates)
      .map(({ target }) => target)
      .filter(target => !except?.has(targetKey(target.at)));
    const awake = eligible.filter(({ pausedUntil }) => pausedUntil <= now);
    const turns = awake.length > 0 ? awake : eligible;
    const { index, currents } = chooseByWeight(turns);
    for (const [at, target] of turns.entries()) target.current = currents[at] ?? 0;
    return index === undefined ? undefined : turns[index];
  }

  #status(target: PoolTarget): HealthStatus {
    return this.#options.health(this.#place, targetKey(target.at));
  }
}

/** Names a place: its listener, on layer 7 followed by its rule. */
export function placeKey({ listenerId, locationId }: Place): string {
  return locationId === '' ? listenerId : `${listenerId} ${locationId}`;
}
