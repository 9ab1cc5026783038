import type { Clock } from '../common/clock.ts';

const QUIET_MS = 2_000;

/** Prints a line when none was printed for two seconds, so that nobody wonders; each with the seconds since the start. */
export function progress(clock: Clock, print: (line: string) => void): (text: string) => void {
  const startedAt = clock.now();
  let printedAt = startedAt;
  return text => {
    const now = clock.now();
    if (now - printedAt < QUIET_MS) return;
    printedAt = now;
    print(`[${((now - startedAt) / 1000).toFixed(0).padStart(4)} s] ${text}`);
  };
}
