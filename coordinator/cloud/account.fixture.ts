import type { VirtualClock } from '../../common/virtual-clock.ts';
import type { RateLimiter } from './limiter.ts';

const WINDOW_MS = 1000;

/** An account's rate of one action as CLB counts it: so many requests in any second, whoever sends them. */
export class Account {
  readonly #clock: VirtualClock;
  readonly #requestsPerSecond: number;
  #accepted: number[] = [];

  constructor(clock: VirtualClock, requestsPerSecond: number) {
    this.#clock = clock;
    this.#requestsPerSecond = requestsPerSecond;
  }

  /** A request of somebody who always comes first. */
  spend(): void {
    this.#accepted.push(this.#clock.now());
  }

  accepts(): boolean {
    const now = this.#clock.now();
    this.#accepted = this.#accepted.filter(at => at > now - WINDOW_MS);
    if (this.#accepted.length >= this.#requestsPerSecond) return false;
    this.spend();
    return true;
  }
}

export interface Tally {
  accepted: number;
  refused: number;
}

export interface Load {
  readonly clock: VirtualClock;
  readonly account: Account;
}

/** Another user of the account: takes `requestsPerSecond()`, each after `gap()` (in the mean 1) times its share. */
export function otherUser({ clock, account }: Load, requestsPerSecond: () => number, gap: () => number): void {
  const rate = requestsPerSecond();
  if (rate > 0) account.spend();
  clock.schedule(rate > 0 ? (1000 / rate) * gap() : 100, () => otherUser({ clock, account }, requestsPerSecond, gap));
}

/** Callers who each call again and again through the limiter; a reply takes `roundTripMs`. */
export function ourCallers(
  { clock, account }: Load,
  limiter: RateLimiter,
  { callers, roundTripMs }: { readonly callers: number; readonly roundTripMs: number },
): Tally {
  const tally = { accepted: 0, refused: 0 };
  const never = new AbortController().signal;
  const call = async () => {
    await limiter.acquire('A', 'normal', never);
    const sentAt = clock.now();
    clock.schedule(roundTripMs / 2, () => {
      const accepted = account.accepts();
      tally[accepted ? 'accepted' : 'refused'] += 1;
      clock.schedule(roundTripMs / 2, () => {
        if (!accepted) limiter.throttled('A', sentAt);
        void call();
      });
    });
  };
  for (let caller = 0; caller < callers; caller += 1) void call();
  return tally;
}
