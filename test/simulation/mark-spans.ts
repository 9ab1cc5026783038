import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import { type CloudTarget, replayCloud, type Span } from './evidence.ts';

/** While a target of the address was marked for the Pod, as reads of the cloud show it. */
export interface MarkSpan extends Span {
  readonly podUid: string;
  readonly address: string;
}

export function markSpans(journal: readonly JournalRecord[]): readonly MarkSpan[] {
  const spans: MarkSpan[] = [];
  const begun = new Map<string, { readonly target: CloudTarget; readonly from: number }>();
  const end = (key: string, to: number) => {
    const open = begun.get(key);
    if (!open) return;
    begun.delete(key);
    spans.push({ podUid: open.target.podUid, address: open.target.address, from: open.from, to });
  };
  replayCloud(journal, ({ at, after }) => {
    for (const [key, { target }] of begun) if (after.get(key)?.podUid !== target.podUid) end(key, at);
    for (const [key, target] of after) if (!begun.has(key)) begun.set(key, { target, from: at });
  });
  for (const key of begun.keys()) end(key, Number.POSITIVE_INFINITY);
  return spans;
}
