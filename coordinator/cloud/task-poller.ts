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
 * ask are passed over, since they say nothing about the task: CLB may still be at it (law L7). The signal is what bounds the
 * wait.
 * @throws TaskFailedError when the task failed; when the signal aborts, the last refusal that blames the account (for
 * example: not allowed to ask), or else the signal's reason.
 */
export async function pollTask(taskId: string, options: TaskPollerOptions, signal: AbortSignal): Promise<Reply> {
  const { clock, kind } = options;
  const acceptedAt = clock.now();
  const giveUp = () => kind.givenUp();
  signal.addEventListener('abort', giveUp, { once: true });
  let refusal: AccountRefusal | undefined;
  try {
    let allAnswered = true;
    for (const lookMs of kind.looksMs()) {
      const aheadMs = lookMs - (clock.now() - acceptedAt);
      // A slow answer to the last look makes up for the next ones.
      if (aheadMs < 0) continue;
      await sleep(clock, aheadMs, signal);
      const found = await askOnce(taskId, options, signal);
      if (found === 'running') continue;
      if (found === 'no answer') allAnswered = false;
      else if ('refusedWith' in found) [refusal, allAnswered] = [found, false];
      else {
        if (allAnswered) kind.ended(lookMs);
        return found.ended;
      }
    }
    throw new Error('looks have no end');
  } catch (error) {
    // Who may not ask learns more from that than from the time that went by.
    throw signal.aborted && refusal ? refusal.refusedWith : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** CLB refused to tell, for a reason that lies in the account and not in the question. */
interface AccountRefusal {
  readonly refusedWith: unknown;
}

/** `ended` is the last reply once the task has succeeded. */
async function askOnce(
  taskId: string,
  options: TaskPollerOptions,
  signal: AbortSignal,
): Promise<{ readonly ended: Reply } | AccountRefusal | 'running' | 'no answer'> {
  try {
    const reply = await options.describe(taskId, signal);
    const { state, message } = taskStatus(reply);
    if (state === 'failed') throw new TaskFailedError(`task ${taskId} failed: ${message || 'CLB gives no reason'}`);
    return state === 'succeeded' ? { ended: reply } : 'running';
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TaskFailedError) throw error;
    const { class: kind, blames } = classify('DescribeTaskStatus', error);
    // Also of a task that CLB says it does not know: it has accepted it, and may still be at it.
    return kind === 'terminal' && blames === 'account' ? { refusedWith: error } : 'no answer';
  }
}
