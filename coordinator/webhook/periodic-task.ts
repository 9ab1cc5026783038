import { Backoff } from '../../common/backoff.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';

const RETRY_INITIAL_MS = 500;
const RETRY_MAX_MS = 15_000;
const RETRY_RESET_MS = 120_000;

export interface PeriodicTaskOptions {
  /** For log lines and deadlines: `serving certificate`. */
  readonly name: string;
  readonly intervalMs: number;
  /** Of one run. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** May throw: logged, and tried again with backoff. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Runs at once and then every `intervalMs`, until the signal aborts. Never throws. */
export async function runPeriodically(options: PeriodicTaskOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, intervalMs } = options;
  const limits = { initialMs: RETRY_INITIAL_MS, maximumMs: RETRY_MAX_MS, resetAfterMs: RETRY_RESET_MS };
  const backoff = new Backoff({ clock, random, ...limits });
  while (!signal.aborted) {
    const succeeded = await runOnce(options, signal);
    const delayMs = succeeded ? intervalMs : backoff.nextDelayMs();
    await sleep(clock, delayMs, signal).catch(() => {});
  }
}

async function runOnce(options: PeriodicTaskOptions, signal: AbortSignal): Promise<boolean> {
  using limit = deadline(options.clock, options.name, options.timeoutMs, signal);
  try {
    await options.run(limit.signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    options.logger.warn('periodic task failed, will be tried again', { task: options.name, error });
    return false;
  }
}
