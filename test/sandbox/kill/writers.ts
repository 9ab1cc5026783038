import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import type { ClbCallNote } from '../../simulation/law-writers.ts';
import type { ClbCall } from './clb-calls.ts';

/** A coordinator's process that was killed. */
export interface Death {
  readonly podIp: string;
  /** Wall milliseconds. */
  readonly at: number;
}

/** A relay's note may be this much later than CLB's, by the clocks of two processes. */
const SKEW_MAX_MS = 50;

/** Which process made the calls of CLB's journal, by request id: each is the last one noted before it of the same action. */
export function callNotes(
  journal: readonly JournalRecord[],
  calls: readonly ClbCall[],
  deaths: readonly Death[],
): Map<string, ClbCallNote> {
  const free = new Set(calls);
  const notes = new Map<string, ClbCallNote>();
  for (const record of journal) {
    if (record.kind !== 'call' || record.foreign) continue;
    const noted = [...free].findLast(({ action, at }) => action === record.action && at <= record.at + SKEW_MAX_MS);
    if (!noted) continue;
    free.delete(noted);
    const death = deaths.find(({ podIp, at }) => podIp === noted.podIp && at >= noted.at);
    notes.set(record.requestId, { startedAt: noted.at, process: { name: noted.podIp, severedAt: death?.at } });
  }
  return notes;
}
