import type { Breach } from '../breach.ts';
import { keyOf, podNameOf, podUidOf, replayCloud } from '../evidence.ts';
import { fullListeners } from '../full-listeners.ts';
import { firstTroubles } from '../law-identity.ts';
import type { Ledger } from './ledger.ts';

/** What was so within this time before a write took effect may have been its reason: the write was under way. */
const REASON_MS = 15_000;

/** A write that CLB has not carried out by then has been given up, and the Pod's heir may have the target. */
const GIVEN_UP_MS = 6_000;

/**
 * L1: a target is closed or removed only when something was known against its Pod, or its Service did not want it, or CLB had
 * said that the listener is full: a Pod may give its place to one that waits. A write that was meant for the Pod before, and
 * that CLB carries out after it was given up, is nobody's doing.
 */
export function closedOnEvidence(ledger: Ledger): Breach[] {
  const troubleAt = firstTroubles(ledger.evidence);
  const isFull = fullListeners(ledger.evidence.journal);
  const sentAt = sendings(ledger);
  const takenOverAt = new Map<string, number>();
  const found: Breach[] = [];
  replayCloud(ledger.evidence.journal, ({ at, requestId, changes, before, left }) => {
    const sent = sentAt.get(requestId) ?? at;
    for (const change of changes) {
      const { kind, listenerId, address, port, weight, tag } = change;
      const key = keyOf(change);
      if (before.get(key)?.podUid !== podUidOf(tag)) takenOverAt.set(key, at);
      if (sent + GIVEN_UP_MS < at && sent < (takenOverAt.get(key) ?? 0)) continue;
      if (isFull(listenerId, at)) continue;
      const where = `${address}:${port}`;
      const wasOpen = (before.get(key)?.weight ?? 0) > 0;
      const closes = kind === 'target-deregistered' || (kind === 'target-reweighted' && weight === 0 && wasOpen);
      const listener = ledger.listener(listenerId);
      // What others have opened is put back to what it was, when the brake lets it.
      const isPutBack = left.get(key) === weight || ledger.wasMeddledWith(listenerId, at - REASON_MS, at);
      if (kind === 'target-reweighted' && isPutBack) continue;
      if (!closes || !listener || (troubleAt.get(podNameOf(tag)) ?? Number.POSITIVE_INFINITY) <= at) continue;
      const wanted = ledger.wantedDuring(listener, at - REASON_MS, at);
      const pods = ledger.podDuring(podUidOf(tag), at - REASON_MS, at);
      const nodeName = pods.find(pod => pod)?.spec.nodeName ?? '';
      const pod = { podName: podNameOf(tag), podUid: podUidOf(tag), nodeName, address };
      if (ledger.evidence.harms?.(pod, ledger.heardFrom(at) - REASON_MS, at).own) continue;
      if (!wanted.every(port => pods.every(pod => (ledger.weightOn(port, pod, where) ?? 0) > 0))) continue;
      found.push({ law: 'L1', message: `${kind} ${where} of ${podNameOf(tag)}, of which nothing was known` });
    }
  });
  return found;
}

/** When calls reached the way to CLB, by request. */
function sendings({ evidence }: Ledger): ReadonlyMap<string, number> {
  return new Map(evidence.journal.flatMap(record => (record.kind === 'call' ? [[record.requestId, record.at]] : [])));
}

/** L1: a listener goes only when its Service did not want it. */
export function listenersGoOnRequest(ledger: Ledger): Breach[] {
  return ledger.evidence.journal.flatMap(record => {
    if (record.kind !== 'change' || !ledger.isByUs(record)) return [];
    return record.changes.flatMap(change => {
      const listener = change.kind === 'listener-deleted' ? ledger.listener(change.listenerId) : undefined;
      if (!listener || ledger.wantedDuring(listener, record.at - REASON_MS, record.at).includes(undefined)) return [];
      return [{ law: 'L1', message: `listener ${listener.id} was deleted while its Service wanted it` }];
    });
  });
}
