import type { Clock } from './clock.ts';

/** The reason of a signal that a `deadline` aborted. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  readonly timeoutMs: number;
  constructor(what: string, timeoutMs: number) {
    super(`${what} did not finish within ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * A signal that aborts with `DeadlineExceededError` after `timeoutMs`, or with the parent's reason when `parent` aborts.
 * Use with `using`, so that the timer and the listener go with the scope.
 */
export function deadline(clock: Clock, what: string, timeoutMs: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const onParentAbort = () => controller.abort(parent?.reason);
  const timer = clock.schedule(timeoutMs, () => controller.abort(new DeadlineExceededError(what, timeoutMs)));
  if (parent?.aborted) onParentAbort();
  else parent?.addEventListener('abort', onParentAbort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      timer.cancel();
      parent?.removeEventListener('abort', onParentAbort);
    },
  };
}
