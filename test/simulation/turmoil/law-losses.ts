import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import type { KubeletRecord } from '../../../sandbox/kube/kubelet/kubelet-record.ts';
import { type AddressSpan, addressSpans } from '../address-spans.ts';
import type { Breach } from '../breach.ts';
import type { PodPlace, Span } from '../evidence.ts';
import { isLeaderless } from '../leaderless.ts';
import { type MarkSpan, markSpans } from '../mark-spans.ts';
import type { Loss } from '../model-client.ts';
import { outlivedBudget } from '../outlived.ts';
import { type Episode, leaderDeathsOf } from './episodes.ts';

/** A drain that began while something was wrong may be given up so much later, and what it left open lasts so long. */
const AFTERMATH_MS = 60_000;
/** What CLB has agreed to reaches its forwarders so much later at most. */
const FORWARDER_LAG_MS = 4_000;
/** By a clock that runs as fast as any, a budget is over sooner. */
const FASTEST_CLOCK = 1.1;

export interface LossEvidence {
  readonly losses: readonly Loss[];
  readonly records: readonly KubeletRecord[];
  readonly journal: readonly JournalRecord[];
  readonly episodes: readonly Episode[];
}

export interface LossVerdict {
  /** Lost because of something that no system bears. */
  readonly excused: number;
  readonly breaches: readonly Breach[];
}

/** L2 and L4 as clients feel them: whatever is lost has its reason in something that happened to its Pod. */
export function judgeLosses({ losses, records, journal, episodes }: LossEvidence): LossVerdict {
  const spans = addressSpans(records);
  const marks = markSpans(journal);
  const isExcused = (loss: Loss) => {
    const pods = podsMeant(loss, spans, marks);
    return (
      outlivedBudget(loss, records, FASTEST_CLOCK) ||
      wasLeftOpen(loss, records, leaderDeathsOf(episodes)) ||
      episodes.some(episode => mayHaveCost(episode, loss, pods))
    );
  };
  const unexcused = losses.filter(loss => !isExcused(loss));
  const breaches = unexcused.map(({ at, reason, target }) => ({
    law: target === undefined ? 'L2' : 'L4',
    message: `a request was lost at ${at} (${reason}${target === undefined ? ', no target' : `, ${target}`}), and nothing that happened excuses it`,
  }));
  return { excused: losses.length - unexcused.length, breaches };
}

/** Whether the Pod ended, and its target stood open until then, while leaders died so fast that nobody could close it. */
function wasLeftOpen(
  { target, at }: Loss,
  records: readonly KubeletRecord[],
  leaderDeaths: readonly number[],
): boolean {
  const endedAt = records.findLast(
    ({ type, podIp, atMs }) => type === 'signalled' && podIp === target && atMs <= at,
  )?.atMs;
  if (endedAt === undefined) return false;
  return [endedAt, Math.max(endedAt, at - FORWARDER_LAG_MS)].every(moment => isLeaderless(leaderDeaths, moment));
}

/**
 * Whoever has the address of the target, whoever had it when the forwarder was last told, and whoever the target was marked
 * for: a Pod that was killed before its target could be closed, while the address is another's already.
 */
function podsMeant(
  { target, at }: Loss,
  spans: readonly AddressSpan[],
  marks: readonly MarkSpan[],
): readonly PodPlace[] {
  const isMeant = ({ from, to }: Span) => from <= at && at <= to + FORWARDER_LAG_MS;
  const marked = new Set(marks.filter(mark => mark.address === target && isMeant(mark)).map(({ podUid }) => podUid));
  return spans.filter(span => span.address === target && (isMeant(span) || (span.to < at && marked.has(span.podUid))));
}

function mayHaveCost({ kind, begun, from, to }: Episode, { at }: Loss, pods: readonly PodPlace[]): boolean {
  if (kind.isBearable || at < from || at > to + AFTERMATH_MS) return false;
  return pods.length === 0 || pods.some(pod => begun.harms?.(pod) ?? true);
}
