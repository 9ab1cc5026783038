import type { Clock, Timer } from './clock.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** 2026-01-01T00:00:00Z: where virtual wall time begins. */
const EPOCH_MS = 1_767_225_600_000;

/** So many timers at one instant are no coincidence: each sets the next for now, and time stands still. */
const TURNS_AT_ONE_INSTANT_MAX = 1_000_000;

/** Virtual time stands still. */
export class StandstillError extends Error {
  override readonly name = 'StandstillError';
}

/** Between two looks at what the machine itself has to tell, for tests that have real sockets too. */
const TURNS_PER_ROUND = 16;

/**
 * A clock that jumps from timer to timer. Timers due at the same instant fire in the order they were set, and between
 * two timers every microtask runs, so a run is a function of its inputs alone.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #turnsNow = 0;
  #order = 0;
  /** A binary heap by (at, order). */
  readonly #heap: Entry[] = [];

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return EPOCH_MS + this.#now;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0)) throw new RangeError(`delayMs must be 0 or more, got ${delayMs}`);
    const entry: Entry = { at: this.#after(delayMs), order: this.#order++, callback, cancelled: false };
    this.#push(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  /** A delay too small for the digits of `now` still lies ahead: else who sets it until time has come never gets there. */
  #after(delayMs: number): number {
    const at = this.#now + delayMs;
    return delayMs > 0 && at === this.#now ? this.#now * (1 + Number.EPSILON) : at;
  }

  /**
   * Runs until virtual time is `now() + durationMs`, firing everything due on the way.
   * @throws StandstillError when one timer after another is set for the same instant.
   */
  async advance(durationMs: number): Promise<void> {
    const end = this.#now + durationMs;
    await this.#play(end, () => false);
    this.#now = end;
  }

  /**
   * Runs until `condition` holds, looking after every timer.
   * @throws Error if it does not hold within `limitMs` of virtual time.
   */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<void> {
    const isMet = await this.#play(this.#now + limitMs, condition);
    if (!isMet) throw new Error(`the condition did not hold within ${limitMs} ms of virtual time`);
  }

  /** Fires what is due by `end`, one timer a turn. @returns whether `isDone` ended it. */
  #play(end: number, isDone: () => boolean): Promise<boolean> {
    return takeTurns(() => {
      if (isDone()) return true;
      const entry = this.#popDue(end);
      if (!entry) return false;
      this.#goTo(entry.at);
      entry.callback();
      return undefined;
    });
  }

  #goTo(at: number): void {
    this.#turnsNow = at > this.#now ? 0 : this.#turnsNow + 1;
    this.#now = Math.max(this.#now, at);
    if (this.#turnsNow < TURNS_AT_ONE_INSTANT_MAX) return;
    throw new StandstillError(`virtual time stands still at ${this.#now} ms: ${this.#turnsNow} timers fired then`);
  }

  #popDue(end: number): Entry | undefined {
    for (let top = this.#heap[0]; top && top.at <= end; top = this.#heap[0]) {
      this.#pop();
      if (!top.cancelled) return top;
    }
    return undefined;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(heap, index, parent)) break;
      swap(heap, index, parent);
      index = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    swap(heap, 0, heap.length - 1);
    heap.pop();
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let least = index;
      if (left < heap.length && isBefore(heap, left, least)) least = left;
      if (right < heap.length && isBefore(heap, right, least)) least = right;
      if (least === index) return;
      swap(heap, index, least);
      index = least;
    }
  }
}

function isBefore(heap: readonly Entry[], a: number, b: number): boolean {
  const [first, second] = [heap[a] as Entry, heap[b] as Entry];
  return first.at < second.at || (first.at === second.at && first.order < second.order);
}

function swap(heap: Entry[], a: number, b: number): void {
  const kept = heap[a] as Entry;
  heap[a] = heap[b] as Entry;
  heap[b] = kept;
}

/**
 * Calls `turn` until it returns something or throws, each time after every pending microtask has run. Node runs them
 * between two immediates too, so that a round of its event loop, which costs more than most turns, serves many.
 */
function takeTurns<T>(turn: () => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    let queued: NodeJS.Immediate[] = [];
    const end = (settle: () => void) => {
      for (const immediate of queued) clearImmediate(immediate);
      settle();
    };
    const take = () => {
      try {
        const result = turn();
        if (result !== undefined) end(() => resolve(result));
      } catch (error) {
        end(() => reject(error));
      }
    };
    const queue = () => {
      queued = [...Array.from({ length: TURNS_PER_ROUND }, () => setImmediate(take)), setImmediate(queue)];
    };
    queue();
  });
}
