import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Breach } from './breach.ts';
import { type CloudTargets, type Evidence, isOpen, isRefused, ownershipOf, podUidOf, replayCloud } from './evidence.ts';
import { isLeaderless, unfollowedDeath } from './leaderless.ts';

/** The longest drain, and what came just before it. */
const DRAIN_MS = 45_000;

/** So late a leader may learn that another target has become healthy. */
const NEWS_MS = 2_000;

/** A target of a Pod and its weight from a moment on. */
interface Weight {
  readonly at: number;
  readonly key: string;
  readonly listenerId: string;
  readonly weight: number;
  /** Somebody else gave it this weight. */
  readonly isForeign: boolean;
}

/** A listener at a moment. */
interface Place {
  readonly listenerId: string;
  readonly at: number;
}

/**
 * L4: a hooked Pod gets SIGTERM only when reads show no target of it with weight, unless its hook broke off or CLB refused
 * its address meanwhile, or leaders died so fast that nobody could close it, or one while the target was held as the last open
 * one of its listener: what is left of the hook's budget then is shorter than a change of leader.
 * @param judges whether what stands on the listener then counts
 */
export function drainBeforeDeath(evidence: Evidence, judges: (target: Place) => boolean = () => true): Breach[] {
  const weights = weightsByPod(evidence);
  const terms = drainedTerms(evidence).filter(({ atMs }) => !isLeaderless(evidence.leaderDeaths ?? [], atMs));
  return terms.flatMap(({ podName, podUid, atMs: at }) => {
    const open = openTargets(weights.get(podUid) ?? [], at).filter(({ listenerId }) => judges({ listenerId, at }));
    const diedAt = unfollowedDeath(evidence.leaderDeaths ?? [], at);
    const left = open.filter(({ key }) => diedAt === undefined || !wasLastOpen(evidence, key, diedAt - NEWS_MS));
    const keys = left.map(({ key }) => key).join(', ');
    return keys === '' ? [] : [{ law: 'L4', message: `${podName} got SIGTERM with weight on ${keys}` }];
  });
}

/** Whether it took new connections then, or alone had weight, and no other target of its listener took any. */
function wasLastOpen({ journal }: Evidence, key: string, at: number): boolean {
  let then: CloudTargets = new Map();
  replayCloud(journal, step => {
    if (step.at <= at) then = step.after;
  });
  const held = then.get(key);
  if (!held || held.weight === 0) return false;
  const others = [...then.values()].filter(target => target !== held && target.listenerId === held.listenerId);
  return isOpen(held) ? !others.some(isOpen) : others.every(({ weight }) => weight === 0);
}

/** L4 and L7: nobody opens a Pod again that got its SIGTERM, be it the last write of a leader that is dead. */
export function staysClosed(evidence: Evidence): Breach[] {
  const weights = weightsByPod(evidence);
  return drainedTerms(evidence).flatMap(({ podName, podUid, atMs }) => {
    const startedAt = evidence.records.find(
      record => record.type === 'started' && record.podUid === podUid && record.atMs > atMs,
    )?.atMs;
    const opened = (weights.get(podUid) ?? []).find(
      ({ at, weight, isForeign }) =>
        at > atMs && at < (startedAt ?? Number.POSITIVE_INFINITY) && weight > 0 && !isForeign,
    );
    return opened ? [{ law: 'L4', message: `${podName} was opened on ${opened.key} after its SIGTERM` }] : [];
  });
}

/** The SIGTERMs that came after a drain which nothing excuses from having been complete. */
function drainedTerms(evidence: Evidence): KubeletRecord[] {
  const hooks = new Map<string, KubeletRecord>();
  return evidence.records.filter(record => {
    if (record.type === 'preStopBegan' || record.type === 'preStopEnded') hooks.set(record.podUid, record);
    if (record.type !== 'signalled' || record.signal !== 'TERM') return false;
    const hook = hooks.get(record.podUid);
    if (!hook || (hook.type === 'preStopEnded' && hook.outcome.type === 'failed')) return false;
    const at = record.atMs;
    if (isRefused(evidence, record.podIp, at)) return false;
    const harm = evidence.harms?.({ ...record, address: record.podIp ?? '' }, at - DRAIN_MS, at);
    return !harm?.own && !harm?.all;
  });
}

function openTargets(weights: readonly Weight[], at: number): Weight[] {
  const last = new Map(weights.filter(weight => weight.at <= at).map(weight => [weight.key, weight]));
  return [...last.values()].filter(({ weight, isForeign }) => weight > 0 && !isForeign);
}

function weightsByPod({ journal }: Evidence): Map<string, Weight[]> {
  const isOurs = ownershipOf(journal);
  const found = new Map<string, Weight[]>();
  for (const record of journal) {
    if (record.kind !== 'change') continue;
    for (const change of record.changes) {
      if (!('tag' in change)) continue;
      const podUid = podUidOf(change.tag);
      const weight = {
        at: record.at,
        listenerId: change.listenerId,
        key: `${change.listenerId} ${change.address}:${change.port}`,
        weight: change.kind === 'target-deregistered' ? 0 : change.weight,
        isForeign: !isOurs(record),
      };
      const known = found.get(podUid);
      if (known) known.push(weight);
      else found.set(podUid, [weight]);
    }
  }
  return found;
}
