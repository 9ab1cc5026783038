import type { Random } from '../../common/random.ts';

/** What goes wrong. */
export type Misfortune =
  /** Answered with this error; nothing is done. */
  | { readonly kind: 'error'; readonly code: string; readonly message?: string }
  /** What was asked is done, and this error is answered all the same. */
  | { readonly kind: 'late-error'; readonly code: string; readonly message?: string }
  /** The call is looked at this much later. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** The answer leaves this much later; what was asked is done in time. */
  | { readonly kind: 'delay-reply'; readonly delayMs: number }
  /** What was asked is done, and the connection breaks before the answer. */
  | { readonly kind: 'lose-reply' }
  /** A success is answered, and nothing is done. */
  | { readonly kind: 'do-nothing' }
  /** The call is accepted, and its task fails. A synchronous write answers `FailedOperation`. */
  | { readonly kind: 'fail-task' };

export type Fault = Misfortune & {
  /** One action, or `*`. */
  readonly action: string;
  /** How many calls it hits; without it, every one. */
  readonly count?: number;
  /** From 0 to 1; without it, 1. */
  readonly probability?: number;
};

const FAULTS_MAX = 1_000;

/** The faults that are switched on, oldest first. */
export class Faults {
  readonly #random: Random;
  #armed: { readonly fault: Fault; remaining: number }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** @throws RangeError when too many are armed. */
  add(fault: Fault): void {
    if (this.#armed.length >= FAULTS_MAX) throw new RangeError(`at most ${FAULTS_MAX} faults; clear some first`);
    this.#armed.push({ fault, remaining: fault.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#armed = [];
  }

  list(): readonly Fault[] {
    return this.#armed.map(({ fault, remaining }) =>
      fault.count === undefined ? fault : { ...fault, count: remaining },
    );
  }

  /** What hits this call; counts are used up by it. */
  take(action: string): readonly Misfortune[] {
    const hits = this.#armed.filter(({ fault }) => {
      if (fault.action !== '*' && fault.action !== action) return false;
      return fault.probability === undefined || this.#random.next() < fault.probability;
    });
    for (const hit of hits) hit.remaining -= 1;
    this.#armed = this.#armed.filter(({ remaining }) => remaining > 0);
    return hits.map(({ fault }) => fault);
  }
}
