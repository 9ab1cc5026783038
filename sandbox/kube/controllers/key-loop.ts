import type { BackoffLimits } from '../../../common/backoff.ts';
import type { Clock } from '../../../common/clock.ts';
import type { Random } from '../../../common/random.ts';
import { WorkQueue } from '../../../common/work-queue.ts';
import { runWorkers, type WorkResult } from '../../../common/workers.ts';

const RETRY: BackoffLimits = { initialMs: 50, maximumMs: 10_000 };
const KEYS_MAX = 100_000;

export interface KeyLoopOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Brings one object to its wanted state. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<WorkResult>;
  readonly onError: (key: string, error: unknown) => void;
}

export interface KeyLoop {
  add(key: string): void;
  /** Works until `signal` aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** A controller's loop: one key at a time, so that what one pass wrote is in the caches before the next plans. */
export function keyLoop({ clock, random, reconcile, onError }: KeyLoopOptions): KeyLoop {
  const queue = new WorkQueue({ clock, random, keysMax: KEYS_MAX, backoff: RETRY });
  return {
    add(key) {
      if (!queue.add(key)) onError(key, new Error(`more than ${KEYS_MAX} objects wait for this controller`));
    },
    async run(signal) {
      await runWorkers({ queue, concurrency: 1, work: reconcile, onError }, signal);
      queue.clear();
    },
  };
}
