import { Backoff } from '../../common/backoff.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { Wakeup } from '../../common/wakeup.ts';

/** Who undoes each write at once is answered ever more rarely. */
const BACKOFF = { initialMs: 500, maximumMs: 10_000, resetAfterMs: 60_000 };
/** A watch may be blind: so often the object is looked at in any case. */
const INTERVAL_MS = 60_000;
const RUN_TIMEOUT_MS = 10_000;
/** Several changes within it are one. */
const GATHER_MS = 20;

export interface WatchedTaskOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For log lines and deadlines: `Secret clb-direct-tls`. */
  readonly what: string;
  /** Of the collection. */
  readonly path: string;
  /** Of the object that is watched. */
  readonly name: string;
  /** Reads the object and does what has to be done; tells whether it wrote. May throw: logged, and tried again. */
  readonly run: (signal: AbortSignal) => Promise<'unchanged' | 'written'>;
}

/**
 * Runs at once, whenever the object changes or goes, whenever it is woken, and once a minute. The watch only wakes: what
 * counts is what `run` reads.
 */
export class WatchedTask {
  readonly #options: WatchedTaskOptions;
  readonly #wakeup: Wakeup;
  readonly #backoff: Backoff;

  constructor(options: WatchedTaskOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
    this.#backoff = new Backoff({ ...options, ...BACKOFF });
  }

  /** Something else changed that `run` goes by. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const watching = this.#watch(signal);
    while (!signal.aborted) {
      const isQuiet = await this.#runOnce(signal);
      if (isQuiet) await this.#wakeup.wait(signal, INTERVAL_MS);
      const delayMs = isQuiet ? GATHER_MS : this.#backoff.nextDelayMs();
      await sleep(this.#options.clock, delayMs, signal).catch(() => undefined);
    }
    await watching;
  }

  #watch(signal: AbortSignal): Promise<void> {
    const { transport, clock, random, logger, what, path, name } = this.#options;
    return runReflector(
      {
        transport,
        clock,
        random,
        path,
        query: { fieldSelector: `metadata.name=${name}` },
        project: object => object.metadata.resourceVersion,
        onEvent: event => event.type !== 'progressed' && this.wake(),
        onError: error => logger.warn('an object is not watched, will try again', { object: what, error }),
      },
      signal,
    );
  }

  /** @returns false when it has to be looked at again soon. */
  async #runOnce(signal: AbortSignal): Promise<boolean> {
    const { clock, logger, what, run } = this.#options;
    using limit = deadline(clock, `upkeep of ${what}`, RUN_TIMEOUT_MS, signal);
    try {
      return (await run(limit.signal)) === 'unchanged';
    } catch (error) {
      if (!signal.aborted) logger.warn('an object was not kept up, will try again', { object: what, error });
      return false;
    }
  }
}
