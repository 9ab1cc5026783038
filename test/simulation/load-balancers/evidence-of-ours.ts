import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import type { Evidence } from '../evidence.ts';

/** Without what other people and CLB itself did: the laws judge us. */
export function evidenceOfOurs({ journal, ...rest }: Evidence): Evidence {
  const foreign = new Set(journal.flatMap(record => (isForeign(record) ? record.requestId : [])));
  const isOurs = (record: JournalRecord) => !('requestId' in record) || !foreign.has(record.requestId);
  return { ...rest, journal: journal.filter(record => isOurs(record) && !isOfCloud(record)) };
}

function isForeign(record: JournalRecord): record is Extract<JournalRecord, { kind: 'call' }> {
  return record.kind === 'call' && record.foreign === true;
}

/** CLB unbound what it had released. */
function isOfCloud(record: JournalRecord): boolean {
  return (record.kind === 'change' || record.kind === 'forwarded') && record.requestId === '';
}
