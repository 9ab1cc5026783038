import type { ObjectMeta } from '../../common/kube/objects.ts';
import { CUSTOM_WEIGHT_ANNOTATION } from '../../common/names.ts';
import { type AddressSpan, addressSpans, holderOf } from './address-spans.ts';
import type { Breach } from './breach.ts';
import {
  appOf,
  type CloudTargets,
  conditionsWritten,
  deletions,
  type Evidence,
  keyOf,
  podNameOf,
  podUidOf,
  replayCloud,
  serviceChanges,
} from './evidence.ts';

/** A write that was sent before the address was given back may take effect this much later. */
const WRITE_MS = 9_000;

/** L5: a target is opened only for the Pod that has the address. */
export function openedForItsPod(evidence: Evidence): Breach[] {
  const holders = addressSpans(evidence.records);
  const found: Breach[] = [];
  replayCloud(evidence.journal, ({ at, changes, before, left }) => {
    for (const change of changes) {
      const { kind, address, weight, tag } = change;
      const podUid = podUidOf(tag);
      const known = before.get(keyOf(change));
      const leftAt = left.get(keyOf(change)) ?? 0;
      // What others have opened, and less of it, or what they have made less of and is put back: nobody has opened that.
      const isPutBack = known && known.weight > 0 && known.weight < leftAt && weight <= leftAt;
      const wasOpen = known?.podUid === podUid && (known.weight > weight || isPutBack);
      if (kind === 'target-deregistered' || weight === 0 || wasOpen) continue;
      if (holders.some(span => span.podUid === podUid && span.address === address && isIn(span, at))) continue;
      if (isNoLongerThere(holders, { podUid, address, at })) continue;
      found.push({ law: 'L5', message: `${address} was opened for ${podNameOf(tag)}, which does not have it` });
    }
  });
  return found;
}

/** L1: a target is closed or removed only when something was known against its Pod. */
export function closedOnEvidence(evidence: Evidence): Breach[] {
  const troubleAt = firstTroubles(evidence);
  const serviceChangedAt = serviceChanges(evidence.apiWrites);
  const found: Breach[] = [];
  replayCloud(evidence.journal, ({ at, changes, before }) => {
    for (const change of changes) {
      const { kind, listenerId, address, weight, tag } = change;
      const podName = podNameOf(tag);
      // Another Pod that takes over a target at weight 0 loses nothing.
      const isClosed = weight === 0 && before.get(keyOf(change))?.weight !== 0;
      const closes = kind === 'target-deregistered' || (kind === 'target-reweighted' && isClosed);
      const known = Math.min(
        troubleAt.get(podName) ?? Number.POSITIVE_INFINITY,
        serviceChangedAt.get(appOf(podName)) ?? Number.POSITIVE_INFINITY,
      );
      if (!closes || known <= at || isFull(evidence, before, listenerId)) continue;
      found.push({ law: 'L1', message: `${kind} ${address} of ${podName}, of which nothing was known` });
    }
  });
  return found;
}

/** With the place that the target before it gave up, which another Pod is about to take. */
function isFull({ targetsMax }: Evidence, targets: CloudTargets, listenerId: string): boolean {
  if (targetsMax === undefined) return false;
  return [...targets.values()].filter(target => target.listenerId === listenerId).length >= targetsMax - 1;
}

/**
 * The Pod's machine came back and gave it another address, and nobody has the old one: until the kubelet has told, that is
 * what the API server says.
 */
function isNoLongerThere(
  spans: readonly AddressSpan[],
  { podUid, address, at }: { podUid: string; address: string; at: number },
): boolean {
  const own = spans.filter(span => span.podUid === podUid && span.from <= at);
  const hasMoved = own.some(span => span.address === address) && own.at(-1)?.address !== address;
  return hasMoved && holderOf(spans, address, at) === undefined;
}

function isIn({ from, to }: AddressSpan, at: number): boolean {
  return from <= at && at <= to + WRITE_MS;
}

/**
 * The first moment at which anything spoke against a Pod: deletion, hook call, exit, readiness lost, a new weight, a taint of
 * its node. By name.
 */
export function firstTroubles({ apiWrites, records }: Evidence): Map<string, number> {
  const troubles = new Map(deletions(apiWrites));
  const add = (podName: string, at: number) => {
    troubles.set(podName, Math.min(at, troubles.get(podName) ?? Number.POSITIVE_INFINITY));
  };
  for (const { type, podName, atMs } of records) {
    if (type === 'preStopBegan' || type === 'exited') add(podName, atMs);
  }
  for (const { at, method, path, body } of apiWrites) {
    const podName = /\/pods\/([^/]+)$/.exec(path)?.[1];
    const { metadata } = (body ?? {}) as { metadata?: Partial<ObjectMeta> };
    const isWeight = metadata?.annotations?.[CUSTOM_WEIGHT_ANNOTATION] !== undefined;
    if (podName !== undefined && method === 'PATCH' && isWeight) add(podName, at);
  }
  for (const { at, nodeName } of nodesTainted(apiWrites)) {
    for (const record of records) if (record.nodeName === nodeName) add(record.podName, at);
  }
  const wasReady = new Set<string>();
  for (const { at, podName, condition } of conditionsWritten(apiWrites, 'ContainersReady')) {
    if (condition.status === 'True') wasReady.add(podName);
    else if (wasReady.has(podName)) add(podName, at);
  }
  return troubles;
}

function nodesTainted(writes: Evidence['apiWrites']): { readonly at: number; readonly nodeName: string }[] {
  return writes.flatMap(({ at, path, body }) => {
    const nodeName = /^\/api\/v1\/nodes\/([^/]+)$/.exec(path)?.[1];
    const { spec } = (body ?? {}) as { spec?: { taints?: unknown[] } };
    return nodeName !== undefined && (spec?.taints?.length ?? 0) > 0 ? [{ at, nodeName }] : [];
  });
}
