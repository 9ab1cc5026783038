import { isDeepStrictEqual } from 'node:util';
import { Backoff } from '../../common/backoff.ts';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { HookRedirect } from './hook-transport.ts';

export interface RedirectKeeperOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  readonly redirect: HookRedirect;
  /** What the rule should hold now, sorted. */
  readonly addresses: () => readonly string[];
}

const REPLACE_TIMEOUT_MS = 5_000;
const BACKOFF = { initialMs: 500, maximumMs: 30_000, resetAfterMs: 60_000 };

/** Keeps the node's redirect rule equal to the hooked Pods; changes that come during a replacement go into the next. */
export class RedirectKeeper {
  readonly #options: RedirectKeeperOptions;
  readonly #changed: Wakeup;

  constructor(options: RedirectKeeperOptions) {
    this.#options = options;
    this.#changed = new Wakeup(options.clock);
  }

  /** Call when the addresses may have changed. */
  podsChanged(): void {
    this.#changed.wake();
  }

  /** Until `signal` aborts. The rule stays afterwards: another agent may already have put its own there. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ ...BACKOFF, clock: this.#options.clock, random: this.#options.random });
    let inPlace: readonly string[] | undefined;
    let retryAfterMs: number | undefined;
    while (!signal.aborted) {
      await this.#changed.wait(signal, retryAfterMs);
      const wanted = this.#options.addresses();
      if (signal.aborted || isDeepStrictEqual(wanted, inPlace)) continue;
      inPlace = (await this.#replace(wanted, signal)) ? wanted : undefined;
      retryAfterMs = inPlace ? undefined : backoff.nextDelayMs();
    }
  }

  async #replace(wanted: readonly string[], signal: AbortSignal): Promise<boolean> {
    const { clock, redirect, log, metrics } = this.#options;
    using limit = deadline(clock, "replacing the node's redirect rule", REPLACE_TIMEOUT_MS, signal);
    try {
      await redirect.replace(wanted, limit.signal);
      metrics.redirectReplaced('success');
      log.debug('redirect rule replaced', { pods: wanted.length });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      metrics.redirectReplaced('failure');
      log.error('redirect rule was not replaced: preStop hooks of this node are not held', { error });
      return false;
    }
  }
}
