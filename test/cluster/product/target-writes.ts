import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';

/** What became of targets since a moment, in wall milliseconds, with the weight: `target-reweighted 10.244.1.5 0`. */
export function targetWrites(journal: readonly NumberedRecord[], sinceMs: number): string[] {
  return journal
    .filter(({ at }) => at >= sinceMs)
    .flatMap(record => (record.kind === 'change' ? record.changes : []))
    .flatMap(change => ('address' in change ? [`${change.kind} ${change.address} ${change.weight}`] : []));
}
