import type { JournalRecord } from '../../sandbox/clb/journal.ts';

/** What CLB said of a listener's quota is believed for so long. */
const QUOTA_MS = 600_000;

/** Tells whether CLB had refused to bind more on a listener a while before a moment: a Pod may give its place to one that waits. */
export function fullListeners(journal: readonly JournalRecord[]): (listenerId: string, at: number) => boolean {
  const found = new Map<string, number[]>();
  for (const record of journal) {
    if (record.kind !== 'call' || record.action !== 'BatchRegisterTargets' || !record.code.startsWith('LimitExceeded'))
      continue;
    const { Targets = [] } = record.parameters as { Targets?: readonly { ListenerId: string }[] };
    for (const { ListenerId } of Targets) found.set(ListenerId, [...(found.get(ListenerId) ?? []), record.finishedAt]);
  }
  return (listenerId, at) => found.get(listenerId)?.some(full => full <= at && at <= full + QUOTA_MS) === true;
}
