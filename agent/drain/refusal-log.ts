import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';

const INTERVAL_MS = 60_000;

/** Tells of calls that were turned away: of each reason the first at once, the others once a minute by their number. */
export class RefusalLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #told = new Map<string, { at: number; unsaid: number }>();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `reason` is one of a few words. */
  refused(reason: string, caller: object): void {
    const now = this.#clock.now();
    const last = this.#told.get(reason);
    if (last && now - last.at < INTERVAL_MS) {
      last.unsaid += 1;
      return;
    }
    this.#told.set(reason, { at: now, unsaid: 0 });
    this.#log.warn('preStop call turned away', { reason, ...caller, others: last?.unsaid ?? 0 });
  }
}
