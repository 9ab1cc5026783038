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
  | { readonly kind: 'fail-task' }
  /** These listeners, or a share of those in a batch, land in `FailListenerIdSet`; nothing of theirs is done. */
  | { readonly kind: 'fail-listeners'; readonly listenerIds?: readonly string[]; readonly share?: number }
  /** A success is answered, and a share of the targets, at least one, is left out. */
  | { readonly kind: 'drop-targets'; readonly share?: number }
  /** A read tells what CLB held this long ago. */
  | { readonly kind: 'stale-read'; readonly staleMs: number }
  /** What was asked is done, and a page of HTML is answered. */
  | { readonly kind: 'html-reply'; readonly status: number }
  /** What was asked is done, and the answer comes byte by byte and never ends. */
  | { readonly kind: 'drip-reply' }
  /** What was asked is done, and the connection breaks in the middle of the answer. */
  | { readonly kind: 'break-reply' };

/** Not of one call: somebody else spends so much of the account's rate limit as long as this is switched on. */
export interface RateThief {
  readonly kind: 'spend-rate';
  readonly perSecond: number;
}

export type Fault = (Misfortune | RateThief) & {
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

  /** Switches one off, however much of its count is left. */
  remove(fault: Fault): void {
    this.#armed = this.#armed.filter(armed => armed.fault !== fault);
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
    const taken: Misfortune[] = [];
    for (const armed of this.#armed) {
      const { fault } = armed;
      if (fault.kind === 'spend-rate' || !isFor(fault, action)) continue;
      if (fault.probability !== undefined && this.#random.next() >= fault.probability) continue;
      armed.remaining -= 1;
      taken.push(fault);
    }
    this.#armed = this.#armed.filter(({ remaining }) => remaining > 0);
    return taken;
  }

  /** Of the calls of `action` that the account may make in a second, those that somebody else makes. */
  spentPerSecond(action: string): number {
    const thieves = this.#armed.map(({ fault }) => fault).filter(fault => isFor(fault, action));
    return thieves.reduce((sum, fault) => sum + (fault.kind === 'spend-rate' ? fault.perSecond : 0), 0);
  }
}

function isFor(fault: Fault, action: string): boolean {
  return fault.action === '*' || fault.action === action;
}
