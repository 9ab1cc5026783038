import { parseMark } from '../../coordinator/core/mark.ts';
import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Breach } from './breach.ts';
import { type Evidence, ownershipOf, podUidOf } from './evidence.ts';
import { gatesTellTheTruth } from './law-gate.ts';
import { hooksWithinBudget } from './law-hook.ts';
import { closedOnEvidence, openedForItsPod } from './law-identity.ts';
import { neverEmptied } from './law-open.ts';

/** Calls that change a load balancer. */
const WRITES = new Set([
  'BatchRegisterTargets',
  'BatchDeregisterTargets',
  'BatchModifyTargetWeight',
  'BatchModifyTargetTag',
  'CreateListener',
  'DeleteLoadBalancerListeners',
]);

/** How long the product waits for a write (design section 4, Defaults). */
const TARGET_WRITE_DEADLINE_MS = 6_000;
const CONFIGURATION_DEADLINE_MS = 60_000;

/** Holds a run against the laws of design section 2; the product is not asked. What others did is not held against us. */
export function breaches(evidence: Evidence): Breach[] {
  return [
    ...neverEmptied(evidence),
    ...gatesTellTheTruth(evidence),
    ...closedOnEvidence(evidence),
    ...breachesOfEveryRun(evidence),
  ];
}

/** Those laws whose judge needs no Service that stays as it was made. */
export function breachesOfEveryRun(evidence: Evidence): Breach[] {
  const { journal, records } = evidence;
  const ours = journal.filter(ownershipOf(journal));
  return [
    ...drainBeforeDeath(journal, records),
    ...noCutByUs(ours),
    ...hooksWithinBudget(evidence),
    ...openedForItsPod(evidence),
    ...ownMarkOnly(ours),
    ...oneWriter(ours),
  ];
}

/** L4: a hooked Pod gets SIGTERM only after weight 0 was there to read. */
function drainBeforeDeath(journal: readonly JournalRecord[], records: readonly KubeletRecord[]): Breach[] {
  const zeroAt = new Map<string, number>();
  for (const record of journal) {
    if (record.kind !== 'change') continue;
    for (const change of record.changes) {
      if (!('tag' in change) || change.weight !== 0) continue;
      const podUid = podUidOf(change.tag);
      if (change.kind !== 'target-registered') zeroAt.set(podUid, zeroAt.get(podUid) ?? record.at);
    }
  }
  const hooked = new Set(records.filter(({ type }) => type === 'preStopBegan').map(({ podUid }) => podUid));
  const bound = new Set(registeredPods(journal));
  return records
    .filter(record => record.type === 'signalled' && record.signal === 'TERM')
    .filter(({ podUid }) => hooked.has(podUid) && bound.has(podUid))
    .filter(({ podUid, atMs }) => !((zeroAt.get(podUid) ?? Number.POSITIVE_INFINITY) <= atMs))
    .map(({ podName }) => ({ law: 'L4', message: `${podName} got SIGTERM before its weight was 0` }));
}

function registeredPods(journal: readonly JournalRecord[]): string[] {
  return journal.flatMap(record =>
    record.kind === 'change'
      ? record.changes.flatMap(change => ('tag' in change && change.weight > 0 ? [podUidOf(change.tag)] : []))
      : [],
  );
}

/** L4: no deregistration cut a live connection. */
function noCutByUs(journal: readonly JournalRecord[]): Breach[] {
  return journal.flatMap(record =>
    record.kind === 'forwarded'
      ? record.targets
          .filter(target => target.kind === 'target-deregistered' && target.liveConnections > 0)
          .map(target => ({
            law: 'L4',
            message: `deregistering ${target.address}:${target.port} cut ${target.liveConnections} connections`,
          }))
      : [],
  );
}

/** L7: at most one write is in flight per load balancer. One that its caller gave up is over for it. */
function oneWriter(journal: readonly JournalRecord[]): Breach[] {
  const found: Breach[] = [];
  const lastEnd = new Map<string, { at: number; action: string }>();
  const writes = journal.filter(record => record.kind === 'call' && WRITES.has(record.action));
  for (const call of writes.toSorted((a, b) => a.at - b.at)) {
    if (call.kind !== 'call') continue;
    const id = (call.parameters as { LoadBalancerId?: string }).LoadBalancerId ?? '';
    const last = lastEnd.get(id);
    if (last && last.at > call.at)
      found.push({ law: 'L7', message: `${call.action} began on ${id} during ${last.action}` });
    const end = Math.min(call.finishedAt, call.at + deadlineOf(call.action));
    lastEnd.set(id, { at: Math.max(last?.at ?? 0, end), action: call.action });
  }
  return found;
}

/** L6: every target that changes carries a mark of ours. */
function ownMarkOnly(journal: readonly JournalRecord[]): Breach[] {
  return journal.flatMap(record =>
    record.kind === 'change'
      ? record.changes
          .filter(change => 'tag' in change && !parseMark(change.tag, change.tag.split(':')[1] ?? ''))
          .map(() => ({ law: 'L6', message: `${record.action} changed a target without a mark of ours` }))
      : [],
  );
}

function deadlineOf(action: string): number {
  return action.startsWith('Batch') ? TARGET_WRITE_DEADLINE_MS : CONFIGURATION_DEADLINE_MS;
}
