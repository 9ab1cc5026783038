import { type Clock, sleep } from '../../common/clock.ts';

const pollIntervalMs = 200;
/** Most conditions start a kubectl or read a log, which takes time from what is waited for: asking has a fifth of it at most. */
const pauseShare = 4;
/** One question that took long says nothing of the next. */
const pauseMaxMs = 2_000;

/**
 * Asks `condition` again and again until it answers with something else than undefined or false.
 * @throws Error that names `what` after `timeoutMs`, with the last error of `condition` as its cause.
 */
export async function waitUntil<Value>(
  clock: Clock,
  what: string,
  timeoutMs: number,
  condition: () => Promise<Value | undefined | false> | Value | undefined | false,
): Promise<Value> {
  const endAtMs = clock.now() + timeoutMs;
  let cause: unknown;
  do {
    const askedAtMs = clock.now();
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      cause = error;
    }
    const pauseMs = Math.min(pauseMaxMs, Math.max(pollIntervalMs, pauseShare * (clock.now() - askedAtMs)));
    await sleep(clock, pauseMs, new AbortController().signal);
  } while (clock.now() < endAtMs);
  const reason = cause instanceof Error ? `\nlast: ${cause.message}` : '';
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}${reason}`, { cause });
}
