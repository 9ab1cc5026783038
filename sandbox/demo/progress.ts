import { type Clock, sleep } from '../../common/clock.ts';

const POLL_MS = 200;
const REPORT_MS = 5_000;

/** Tells what is going on, each line with the seconds since the start. */
export class Progress {
  readonly #clock: Clock;
  readonly #print: (line: string) => void;
  readonly #startedAt: number;

  constructor(clock: Clock, print: (line: string) => void) {
    this.#clock = clock;
    this.#print = print;
    this.#startedAt = clock.now();
  }

  say(text: string): void {
    const seconds = ((this.#clock.now() - this.#startedAt) / 1000).toFixed(1);
    this.#print(`[${seconds.padStart(5)} s] ${text}`);
  }

  /**
   * Waits until `missing` answers undefined, and tells every few seconds what it answers instead.
   * @throws Error that says what was missing, after `limitMs`; the signal's reason on abort.
   */
  async until(
    what: string,
    { limitMs, missing }: { limitMs: number; missing: () => Promise<string | undefined> | string | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    const startedAt = this.#clock.now();
    let reportAt = startedAt + REPORT_MS;
    for (;;) {
      const lacking = await missing();
      const waitedMs = this.#clock.now() - startedAt;
      if (lacking === undefined) return this.say(`${what} (after ${(waitedMs / 1000).toFixed(1)} s)`);
      if (waitedMs > limitMs) throw new Error(`${what}: not within ${limitMs / 1000} s: ${lacking}`);
      if (this.#clock.now() >= reportAt) {
        this.say(`  waiting for: ${what}: ${lacking}`);
        reportAt += REPORT_MS;
      }
      await sleep(this.#clock, POLL_MS, signal);
    }
  }
}
