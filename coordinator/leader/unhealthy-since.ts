import type { Clock } from '../../common/clock.ts';

interface Since {
  /** Monotonic. */
  readonly at: number;
  /** Since the Unix epoch. */
  readonly wallMs: number;
}

/** Since when targets of Pods are unhealthy without a break, as this term saw it. */
export class UnhealthySince {
  readonly #clock: Clock;
  readonly #byPod = new Map<string, ReadonlyMap<string, Since>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param keys those of the Pod's targets that are unhealthy now */
  look(podUid: string, keys: readonly string[]): void {
    const before = this.#byPod.get(podUid);
    if (keys.length === 0) {
      this.#byPod.delete(podUid);
      return;
    }
    const now = { at: this.#clock.now(), wallMs: this.#clock.wallNow() };
    this.#byPod.set(podUid, new Map(keys.map(key => [key, before?.get(key) ?? now])));
  }

  of(podUid: string, key: string): Since | undefined {
    return this.#byPod.get(podUid)?.get(key);
  }

  forget(podUid: string): void {
    this.#byPod.delete(podUid);
  }
}
