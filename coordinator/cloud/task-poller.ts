import { type Clock, sleep } from '../../common/clock.ts';
import { classify } from './classify.ts';
import { TaskFailedError } from './failures.ts';
import { taskStatus } from './replies.ts';
import type { Reply } from './reply-fields.ts';
import type { TaskKind } from './task-times.ts';

export interface TaskPollerOptions {
  readonly clock: Clock;
  /** Asks DescribeTaskStatus once. */
  readonly describe: (taskId: string, signal: AbortSignal) => Promise<Reply>;
  /** Tells when to ask, and learns from what was found. */
  readonly kind: TaskKind;
}

/**
 * Waits for the end of an asynchronous CLB task that was accepted just now, and resolves with the last reply. Failures to
 * ask are passed over, since they say nothing about the task; the signal is what bounds the wait.
 * @throws TaskFailedError when the task failed, an error of asking that lasts (for example: not allowed), the signal's
 * reason.
 */
export async function pollTask(taskId: string, options: TaskPollerOptions, signal: AbortSignal): Promise<Reply> {
  const { clock, kind } = options;
  const acceptedAt = clock.now();
  const giveUp = () => kind.givenUp();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    let allAnswered = true;
    for (const lookMs of kind.looksMs()) {
      const aheadMs = lookMs - (clock.now() - acceptedAt);
      // A slow answer to the last look makes up for the next ones.
      if (aheadMs < 0) continue;
      await sleep(clock, aheadMs, signal);
      const found = await askOnce(taskId, options, signal);
      if (found === 'no answer') allAnswered = false;
      else if (found !== 'running') {
        if (allAnswered) kind.ended(lookMs);
        return found;
      }
    }
    throw new Error('looks have no end');
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** The last reply once the task has succeeded. */
async function askOnce(
  taskId: string,
  options: TaskPollerOptions,
  signal: AbortSignal,
): Promise<Reply | 'running' | 'no answer'> {
  try {
    const reply = await options.describe(taskId, signal);
    const { state, message } = taskStatus(reply);
    if (state === 'failed') throw new TaskFailedError(`task ${taskId} failed: ${message || 'CLB gives no reason'}`);
    return state === 'succeeded' ? reply : 'running';
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TaskFailedError) throw error;
    const { class: kind, blames } = classify('DescribeTaskStatus', error);
    if (kind === 'terminal' && blames === 'account') throw error;
    // Also of a task that CLB says it does not know: it has accepted it, and may still be at it (law L7).
    return 'no answer';
  }
}
