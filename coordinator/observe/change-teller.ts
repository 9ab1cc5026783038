import { type Clock, sleep } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { IntendedChange } from './intended-change.ts';

export interface ChangeTellerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Every change of CLB that would be made now. */
  readonly intended: () => Iterable<IntendedChange>;
}

const LOOK_INTERVAL_MS = 5_000;
/** What is beyond is counted: the status page shows more. */
const LINES_PER_LOOK_MAX = 100;

/** Logs what would be changed in CLB, each change once as long as it stands. */
export class ChangeTeller {
  readonly #options: ChangeTellerOptions;
  #told: ReadonlySet<string> = new Set();

  constructor(options: ChangeTellerOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#options.clock, LOOK_INTERVAL_MS, signal).catch(() => undefined);
      if (!signal.aborted) this.#look();
    }
  }

  #look(): void {
    const { log, intended } = this.#options;
    const standing = new Set<string>();
    let newCount = 0;
    for (const { kind, loadBalancerId, text } of intended()) {
      const key = `${loadBalancerId ?? ''} ${text}`;
      standing.add(key);
      if (this.#told.has(key)) continue;
      newCount += 1;
      if (newCount <= LINES_PER_LOOK_MAX)
        log.info('would change CLB', { kind, loadBalancer: loadBalancerId, change: text });
    }
    if (newCount > LINES_PER_LOOK_MAX) log.info('would change more in CLB', { changes: newCount - LINES_PER_LOOK_MAX });
    this.#told = standing;
  }
}
