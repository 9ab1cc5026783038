import type { Pod } from '../../../common/kube/objects.ts';
import type { KubeletRecord } from '../../../sandbox/kube/kubelet/kubelet-record.ts';
import { addressSpans, holderOf } from '../address-spans.ts';
import type { Breach } from '../breach.ts';
import { type CloudTarget, type CloudTargets, isOpen, isRefused, type PodPlace, replayCloud } from '../evidence.ts';
import type { ApiWrite } from '../noting-api.ts';
import { isServing, selects, weightOf } from './desired-state.ts';
import type { Ledger, OwnListener } from './ledger.ts';

/** What others did to the listener's targets, or CLB found of them, shows in the next read of health at the latest. */
const UNSEEN_MS = 12_000;
/** A write that takes effect now may have been sent so long ago: what is younger could not be known. */
const SENT_MS = 7_000;
/** A deletion is held up for a replacement no longer than until its hook's budget nears its end. */
const HOLD_MAX_MS = 20_000;
/** Of its Pod's grace so much is left to the application, whether its kubelet has begun or is cut off. */
const GRACE_LEFT_MS = 10_000;
/** The hook of a restart is held for 5 s, by a clock that may be slow. */
const RESTART_HOLD_MAX_MS = 6_000;

/** Of less grace than this, the application's own share of 30 s leaves the drain no time to hold the target in. */
const GRACE_MIN_SECONDS = 45;

/**
 * L2: no write of ours took a listener's last open target, of a Pod that runs, while another one that is wanted was ready. An
 * agent that cannot ask the API server, and hears late of the deletion from the leader, holds the hook for as long as that of a
 * restart, which is too short for the target to be held in.
 */
export function neverEmptied(ledger: Ledger): Breach[] {
  const hookedAt = moments(ledger.evidence.records, 'preStopBegan');
  const answeredAt = moments(ledger.evidence.records, 'preStopEnded');
  const found: Breach[] = [];
  const exitedAt = moments(ledger.evidence.records, 'exited');
  const spans = addressSpans(ledger.evidence.records);
  const hurriedAt = hurriedDeletions(ledger.evidence.apiWrites);
  const openSince = new Map<string, number>();
  const openUntil = new Map<string, number>();
  replayCloud(ledger.evidence.journal, ({ at, changes, before, after }) => {
    const wasOpen = (key: string) => at - (openSince.get(key) ?? at) > SENT_MS;
    const isUnseen = (key: string) => at - (openUntil.get(key) ?? Number.NEGATIVE_INFINITY) < UNSEEN_MS;
    for (const listenerId of new Set(changes.map(change => change.listenerId))) {
      const [last] = openTargets(before, listenerId, wasOpen);
      const listener = ledger.listener(listenerId);
      if (!last || !listener || openTargets(after, listenerId, () => true).length > 0) continue;
      if ([...after].some(([key, target]) => target.listenerId === listenerId && target.weight > 0 && isUnseen(key)))
        continue;
      // A machine came back with another address for the Pod: at the old one nobody serves.
      const holder = holderOf(spans, last.address, at);
      if (holder?.podUid !== last.podUid) continue;
      if (ledger.wasMeddledWith(listenerId, at - UNSEEN_MS, at)) continue;
      if ((exitedAt.get(last.podUid) ?? Number.POSITIVE_INFINITY) <= at) continue;
      const hooked = hookedAt.get(last.podUid) ?? Number.POSITIVE_INFINITY;
      if (at - hooked > HOLD_MAX_MS || at >= graceSparesUntil(ledger, last.podUid, at)) continue;
      const heldMs = (answeredAt.get(last.podUid) ?? Number.POSITIVE_INFINITY) - hooked;
      if (hooked <= at && heldMs < RESTART_HOLD_MAX_MS && ledger.evidence.isBlind?.(holder, hooked, at)) continue;
      if (ledger.evidence.misled?.(last.podUid, at, at)) continue;
      if ((hurriedAt.get(last.podName) ?? Number.POSITIVE_INFINITY) <= at) continue;
      const ready = readyFor(ledger, listener, at);
      if (ready === undefined) continue;
      const message = `${listenerId} lost its last open target, ${last.podName}, with ${ready} ready`;
      found.push({ law: 'L2', message });
    }
    for (const [key, target] of before) if (isOpen(target)) openUntil.set(key, at);
    noteOpen(openSince, after, at);
  });
  return found;
}

/** Until when a deleted Pod's grace leaves time to hold its target in; Infinity while nobody has deleted it. */
function graceSparesUntil({ evidence }: Ledger, podUid: string, at: number): number {
  const { deletionTimestamp } = evidence.chronicle.pods.of(podUid, at)?.metadata ?? {};
  return deletionTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(deletionTimestamp) - GRACE_LEFT_MS;
}

/** When Pods were deleted with next to no grace, by name. */
function hurriedDeletions(writes: readonly ApiWrite[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { at, method, path, body } of writes) {
    const podName = /\/pods\/([^/]+)$/.exec(path)?.[1];
    const { gracePeriodSeconds } = (body ?? {}) as { gracePeriodSeconds?: number };
    if (podName === undefined || method !== 'DELETE' || gracePeriodSeconds === undefined) continue;
    if (gracePeriodSeconds < GRACE_MIN_SECONDS && !found.has(podName)) found.set(podName, at);
  }
  return found;
}

/** A Pod that the Service wants there, and that was ready for a while, as far as that could be heard, and still is. */
function readyFor(ledger: Ledger, listener: OwnListener, at: number): string | undefined {
  const wanted = ledger.wantedDuring(listener, at - SENT_MS, at);
  const { evidence } = ledger;
  const heardFrom = ledger.heardFrom(at - SENT_MS);
  const { pods } = evidence.chronicle;
  const crashed = ended(evidence.records, at - SENT_MS, at);
  const isHarmed = (pod: Pod | undefined) => pod && evidence.harms?.(placeOf(pod), heardFrom, at).own;
  return [...pods.uids()].find(
    uid =>
      !crashed.has(uid) &&
      !evidence.misled?.(uid, heardFrom, at) &&
      !isHarmed(pods.of(uid, at)) &&
      pods
        .during(uid, heardFrom, at)
        .every(
          pod =>
            pod &&
            isServing(pod) &&
            weightOf(pod) > 0 &&
            !isRefused(evidence, pod.status?.podIP, at) &&
            wanted.every(port => port && selects(port.service, pod)),
        ),
  );
}

function placeOf({ metadata, spec, status }: Pod): PodPlace {
  const { name: podName, uid: podUid = '' } = metadata;
  return { podName, podUid, nodeName: spec.nodeName ?? '', address: status?.podIP ?? '' };
}

function openTargets(targets: CloudTargets, listenerId: string, isMeant: (key: string) => boolean): CloudTarget[] {
  const open = [...targets].filter(
    ([key, target]) => target.listenerId === listenerId && isOpen(target) && isMeant(key),
  );
  return open.map(([, target]) => target);
}

/** Pods of which a container ended then, or before and is not back: the API server hears of it late, or never. */
function ended(records: readonly KubeletRecord[], from: number, to: number): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { type, podUid, atMs } of records) {
    if (atMs > to) break;
    if (type === 'exited') found.add(podUid);
    if (type === 'started' && atMs < from) found.delete(podUid);
  }
  return found;
}

/** By Pod UID. */
function moments(records: readonly KubeletRecord[], meant: KubeletRecord['type']): ReadonlyMap<string, number> {
  return new Map(records.filter(({ type }) => type === meant).map(({ podUid, atMs }) => [podUid, atMs]));
}

function noteOpen(since: Map<string, number>, targets: CloudTargets, at: number): void {
  for (const key of since.keys()) if (!targets.has(key)) since.delete(key);
  for (const [key, target] of targets) {
    if (!isOpen(target)) since.delete(key);
    else if (!since.has(key)) since.set(key, at);
  }
}
