import { createHash, type Hash } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';

/** The last lines of a run, for a failure's report. */
const TAIL_LINES = 200;

/**
 * The complete ordered log of a run. Its SHA-256 stands for the whole: two runs of one seed must agree in every line.
 */
export class EventLog {
  readonly #clock: Clock;
  readonly #hash: Hash = createHash('sha256');
  readonly #tail: string[] = [];
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  add(part: string, event: unknown): void {
    const line = `${this.#clock.now().toFixed(3)} ${part} ${JSON.stringify(event)}`;
    this.#hash.update(line).update('\n');
    this.#count += 1;
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
  }

  tail(): readonly string[] {
    return this.#tail;
  }

  /** Of everything up to now. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
