import { type Clock, sleep } from './clock.ts';

/** Rare enough to cost nothing, often enough to see what an event that comes at any moment has to wait. */
const LOOK_INTERVAL_MS = 1_000;

/** Tells once a second how late its timer fired, until `signal` aborts. */
export async function runEventLoopWatch(
  { clock, onDelay }: { readonly clock: Clock; readonly onDelay: (delayMs: number) => void },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const dueAt = clock.now() + LOOK_INTERVAL_MS;
    await sleep(clock, LOOK_INTERVAL_MS, signal).catch(() => undefined);
    if (!signal.aborted) onDelay(Math.max(0, clock.now() - dueAt));
  }
}
