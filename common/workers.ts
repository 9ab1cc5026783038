import type { WorkQueue } from './work-queue.ts';

/** The work on a key is over, or is to be repeated after a time that is no failure: waiting is not an error. */
export type WorkResult = 'done' | { readonly retryAfterMs: number };

/** Thrown by work that no retry can heal: it is reported and the key is left until it is added again. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

export interface WorkersOptions {
  readonly queue: WorkQueue;
  /** How many keys may be in work at a time. */
  readonly concurrency: number;
  /**
   * Brings what `key` names to where it should be, whatever happened to it: it is level-triggered, so it reads the
   * present state. An error is reported and the key retried with the queue's back-off, except a TerminalError.
   */
  readonly work: (key: string, signal: AbortSignal) => Promise<WorkResult>;
  readonly onError: (key: string, error: unknown) => void;
}

/** Works until `signal` aborts, and resolves when the work in flight has ended; never rejects. */
export async function runWorkers(options: WorkersOptions, signal: AbortSignal): Promise<void> {
  const workers = Array.from({ length: options.concurrency }, () => runWorker(options, signal));
  await Promise.all(workers);
}

async function runWorker(options: WorkersOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const key = await options.queue.take(signal).catch(() => undefined);
    if (key !== undefined) await workOn(key, options, signal);
  }
}

async function workOn(key: string, { queue, work, onError }: WorkersOptions, signal: AbortSignal): Promise<void> {
  try {
    const result = await work(key, signal);
    queue.forget(key);
    if (result !== 'done') queue.addAfter(key, result.retryAfterMs);
  } catch (error) {
    if (signal.aborted) return;
    onError(key, error);
    if (error instanceof TerminalError) queue.forget(key);
    else queue.retry(key);
  } finally {
    queue.done(key);
  }
}
