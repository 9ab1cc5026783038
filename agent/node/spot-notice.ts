import { Backoff } from '../../common/backoff.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import type { NodeSignSource, Sign } from './sign-source.ts';

/** The metadata service of a cloud instance. */
export interface MetadataSource {
  /** @throws Error when nobody answers, and the signal's reason when it aborts. */
  get(path: string, signal: AbortSignal): Promise<MetadataAnswer>;
}

export interface MetadataAnswer {
  readonly status: number;
  readonly body: string;
}

export interface SpotNoticeOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metadata: MetadataSource;
}

/** Tencent Cloud documents the path, a time like `2018-08-18 12:05:33` in UTC+8, and 404 for "no notice". */
const PATH = '/latest/meta-data/spot/termination-time';
const TIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/;
const NO_NOTICE = 404;
/** The notice comes about two minutes ahead, so that this costs little of it. */
const POLL_INTERVAL_MS = 5_000;
const POLL_TIMEOUT_MS = 1_000;
/** Most machines without such a service are none of Tencent Cloud's, and should not be asked often. */
const BACKOFF = { initialMs: 10_000, maximumMs: 60_000, resetAfterMs: 120_000 };

/** Polls the cloud's metadata for the time at which it takes a spot instance back. */
export function spotNotice(options: SpotNoticeOptions): NodeSignSource {
  return new SpotNotice(options);
}

class SpotNotice implements NodeSignSource {
  readonly name = 'spot notice';
  readonly #options: SpotNoticeOptions;
  readonly #backoff: Backoff;
  #description = 'the metadata service was not asked yet';

  constructor(options: SpotNoticeOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ ...BACKOFF, ...options });
  }

  describe(): string {
    return this.#description;
  }

  async run(tell: (signs: readonly Sign[]) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delayMs = await this.#poll(tell, signal);
      await sleep(this.#options.clock, delayMs, signal).catch(() => undefined);
    }
  }

  /** @returns when to ask again. */
  async #poll(tell: (signs: readonly Sign[]) => void, signal: AbortSignal): Promise<number> {
    try {
      const signs = await this.#read(signal);
      tell(signs);
      this.#say(signs[0]?.detail ?? 'the metadata service has no notice for this instance');
      return POLL_INTERVAL_MS;
    } catch (error) {
      if (signal.aborted) return 0;
      this.#say(`no word from the metadata service: ${error instanceof Error ? error.message : error}`);
      return this.#backoff.nextDelayMs();
    }
  }

  async #read(signal: AbortSignal): Promise<readonly Sign[]> {
    const { clock, metadata } = this.#options;
    using limit = deadline(clock, 'the metadata service', POLL_TIMEOUT_MS, signal);
    const { status, body } = await metadata.get(PATH, limit.signal);
    const time = body.trim();
    if (status === NO_NOTICE) return [];
    // Whatever else answers at this address, a proxy's page or a redirect, must not take a node out of service.
    if (status !== 200 || !TIME.test(time)) throw new Error(`status ${status} and no time of termination`);
    return [{ kind: NodeSignKind.SPOT_TERMINATION, detail: `the cloud takes the instance back at ${time} UTC+8` }];
  }

  #say(description: string): void {
    if (description === this.#description) return;
    this.#description = description;
    this.#options.log.debug('spot notice', { description });
  }
}
