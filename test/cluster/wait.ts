import { type Clock, sleep } from '../../common/clock.ts';

/** Most conditions start a kubectl or read a log, which takes time from what is waited for. */
const pollIntervalMs = 200;

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
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      cause = error;
    }
    await sleep(clock, pollIntervalMs, new AbortController().signal);
  } while (clock.now() < endAtMs);
  const reason = cause instanceof Error ? `\nlast: ${cause.message}` : '';
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}${reason}`, { cause });
}
