import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import { isOpen, replayCloud } from '../evidence.ts';

/** The fewest targets that took new connections, as CLB itself told from `since` (wall milliseconds) on. */
export function leastOpen(journal: readonly JournalRecord[], since: number): number {
  let least = Number.POSITIVE_INFINITY;
  let last = 0;
  replayCloud(journal, ({ at, after }) => {
    const open = [...after.values()].filter(isOpen).length;
    if (at >= since) least = Math.min(least, last, open);
    last = open;
  });
  return Math.min(least, last);
}
