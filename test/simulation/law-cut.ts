import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import { addressSpans, holderOf } from './address-spans.ts';
import type { Breach } from './breach.ts';
import { appOf, deletions, type Evidence, podNameOf, podUidOf } from './evidence.ts';
import { fullListeners } from './full-listeners.ts';

/** What one deregistration did. */
interface Cut {
  readonly requestId: string;
  readonly listenerId: string;
  readonly address: string;
  readonly port: number;
  readonly liveConnections: number;
}

/** How long a closed target is kept of which nobody tells when its connections have ended. */
const KEPT_CLOSED_MS = 30_000;

/**
 * L4: no deregistration cut a live connection. One that reached another application, because a Pod of it inherited the
 * address, was misled: the sooner it ends, the better. Whoever deletes a Pod by force says that it has ended, though its
 * machine may not have heard of it. And where CLB is full, a living Pod gives its place to one that waits, though nobody
 * tells when the connections of the living have ended.
 */
export function noCutByUs(
  ours: readonly JournalRecord[],
  { records, apiWrites, misled }: Pick<Evidence, 'records' | 'apiWrites' | 'misled'>,
): Breach[] {
  const spans = addressSpans(records);
  const forcedAt = forcedDeletions(apiWrites);
  const isFull = fullListeners(ours);
  const deletedAt = deletions(apiWrites);
  const isDeleted = ({ podName, at }: Deregistration) => (deletedAt.get(podName) ?? Number.POSITIVE_INFINITY) <= at;
  const changes = deregistrations(ours);
  return cuts(ours).flatMap(cut => {
    const change = changes.get(keyOf(cut));
    const holder = change && holderOf(spans, cut.address, change.at);
    if (change && misled?.(change.podUid, change.at, change.at)) return [];
    if (holder && appOf(holder.podName) !== appOf(change.podName)) return [];
    const isForced = change && (forcedAt.get(change.podName) ?? Number.POSITIVE_INFINITY) <= change.at;
    const givesPlace = change && isFull(cut.listenerId, change.at) && !isDeleted(change);
    if ((isForced || givesPlace) && change.closedAt + KEPT_CLOSED_MS <= change.at) return [];
    const { address, port, liveConnections } = cut;
    const whose = change ? ` of ${change.podName}` : '';
    return [{ law: 'L4', message: `deregistering ${address}:${port}${whose} cut ${liveConnections} connections` }];
  });
}

function cuts(journal: readonly JournalRecord[]): readonly Cut[] {
  return journal.flatMap(record =>
    record.kind === 'forwarded'
      ? record.targets
          .filter(({ kind, liveConnections }) => kind === 'target-deregistered' && liveConnections > 0)
          .map(target => ({ ...target, requestId: record.requestId }))
      : [],
  );
}

interface Deregistration {
  readonly at: number;
  /** When it was taken to weight 0; negative infinity: before anything that is known. */
  readonly closedAt: number;
  readonly podName: string;
  readonly podUid: string;
}

function deregistrations(journal: readonly JournalRecord[]): ReadonlyMap<string, Deregistration> {
  const found = new Map<string, Deregistration>();
  const closedAt = new Map<string, number>();
  for (const record of journal) {
    if (record.kind !== 'change') continue;
    const { requestId, at } = record;
    for (const change of record.changes) {
      if (!('tag' in change)) continue;
      const target = keyOf({ ...change, requestId: '' });
      if (change.kind !== 'target-deregistered') {
        if (change.weight > 0) closedAt.set(target, Number.POSITIVE_INFINITY);
        else closedAt.set(target, Math.min(at, closedAt.get(target) ?? at));
        continue;
      }
      const [podName, podUid] = [podNameOf(change.tag), podUidOf(change.tag)];
      const since = closedAt.get(target) ?? Number.NEGATIVE_INFINITY;
      found.set(keyOf({ ...change, requestId }), { at, closedAt: since, podName, podUid });
      closedAt.delete(target);
    }
  }
  return found;
}

/** By Pod name. */
function forcedDeletions(writes: Evidence['apiWrites']): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { at, method, path, username, body } of writes) {
    const podName = /\/pods\/([^/]+)$/.exec(path)?.[1];
    const { gracePeriodSeconds } = (body ?? {}) as { gracePeriodSeconds?: number };
    const isForced = method === 'DELETE' && gracePeriodSeconds === 0 && !username.startsWith('system:node:');
    if (podName !== undefined && isForced) found.set(podName, at);
  }
  return found;
}

function keyOf({ requestId, listenerId, address, port }: Omit<Cut, 'liveConnections'>): string {
  return `${requestId} ${listenerId} ${address}:${port}`;
}
