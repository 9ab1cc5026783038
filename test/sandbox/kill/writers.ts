import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import type { oneWriterOfAll } from '../../simulation/law-writers.ts';
import type { ClbCall } from './clb-calls.ts';

type ClbCallNotes = Parameters<typeof oneWriterOfAll>[0]['clbCalls'];

/** A coordinator's process that was killed. */
export interface Death {
  readonly podIp: string;
  /** Wall milliseconds. */
  readonly at: number;
}

/** A relay's note may be this much later than CLB's, by the clocks of two processes. */
const SKEW_MAX_MS = 50;

export interface Writers {
  readonly calls: readonly ClbCall[];
  readonly deaths: readonly Death[];
  /** When the connections to CLB were reset: what was under way then has failed for whoever asked for it. */
  readonly resets: readonly number[];
}

/** Which process made the calls of CLB's journal, by request id: each is the last one noted before it of the same action. */
export function callNotes(journal: readonly JournalRecord[], { calls, deaths, resets }: Writers): ClbCallNotes {
  const free = new Set(calls);
  const notes = new Map<string, NonNullable<ReturnType<ClbCallNotes['get']>>>();
  for (const record of journal) {
    if (record.kind !== 'call' || record.foreign) continue;
    const noted = [...free].findLast(({ action, at }) => action === record.action && at <= record.at + SKEW_MAX_MS);
    if (!noted) continue;
    free.delete(noted);
    const death = deaths.find(({ podIp, at }) => podIp === noted.podIp && at >= noted.at);
    const reset = resets.find(at => at >= noted.at && at <= record.finishedAt);
    notes.set(record.requestId, {
      startedAt: noted.at,
      process: { name: noted.podIp, severedAt: death?.at, sleeps: [] },
      failureToldAt: record.code === '' ? reset : record.finishedAt,
    });
  }
  return notes;
}
