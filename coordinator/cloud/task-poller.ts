import { type Clock, sleep } from '../../common/clock.ts';
import { classify } from './classify.ts';
import { TaskFailedError } from './failures.ts';
import { taskStatus } from './replies.ts';
import type { Reply } from './reply-fields.ts';

const FIRST_POLL_MS = 100;
const POLL_MS_MAX = 1000;
const POLL_GROWTH = 1.5;

export interface TaskPollerOptions {
  readonly clock: Clock;
  /** Asks DescribeTaskStatus once. */
  readonly describe: (taskId: string, signal: AbortSignal) => Promise<Reply>;
}

/**
 * Waits for the end of an asynchronous CLB task and resolves with the last reply. Failures to ask are passed over, since
 * they say nothing about the task; the signal is what bounds the wait.
 * @throws TaskFailedError when the task failed, a terminal error of asking (for example: not allowed), the signal's reason.
 */
export async function pollTask(taskId: string, options: TaskPollerOptions, signal: AbortSignal): Promise<Reply> {
  for (let delayMs = FIRST_POLL_MS; ; delayMs = Math.min(POLL_MS_MAX, delayMs * POLL_GROWTH)) {
    await sleep(options.clock, delayMs, signal);
    const reply = await askOnce(taskId, options, signal);
    if (reply !== undefined) return reply;
  }
}

/** The last reply once the task has succeeded, otherwise undefined. */
async function askOnce(taskId: string, options: TaskPollerOptions, signal: AbortSignal): Promise<Reply | undefined> {
  try {
    const reply = await options.describe(taskId, signal);
    const { state, message } = taskStatus(reply);
    if (state === 'failed') throw new TaskFailedError(`task ${taskId} failed: ${message || 'CLB gives no reason'}`);
    return state === 'succeeded' ? reply : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TaskFailedError || classify('DescribeTaskStatus', error).class === 'terminal') throw error;
    return undefined;
  }
}
