import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import type { Breach } from './breach.ts';
import { type Evidence, ownershipOf } from './evidence.ts';
import { noCutByUs } from './law-cut.ts';
import { drainBeforeDeath, staysClosed } from './law-drain.ts';
import { gatesTellTheTruth } from './law-gate.ts';
import { hooksWithinBudget } from './law-hook.ts';
import { closedOnEvidence, openedForItsPod } from './law-identity.ts';
import { neverEmptied } from './law-open.ts';
import { onlyWhatIsOurs } from './law-ownership.ts';
import { noGateBeforeTheLastWrite } from './law-predecessor.ts';
import { neverAfterASuccessor, oneWriterOfAll, onlyUnderTheLease } from './law-writers.ts';

/** Calls that change a load balancer. */
const WRITES = new Set([
  'BatchRegisterTargets',
  'BatchDeregisterTargets',
  'BatchModifyTargetWeight',
  'BatchModifyTargetTag',
  'CreateListener',
  'DeleteLoadBalancerListeners',
]);

/** How long the product waits for the answer to a write (design section 4, Defaults); its task may go on for longer. */
const WRITE_DEADLINE_MS = 6_000;

/** Holds a run against the laws of design section 2; the product is not asked. What others did is not held against us. */
export function breaches(evidence: Evidence): Breach[] {
  return [
    ...neverEmptied(evidence),
    ...gatesTellTheTruth(evidence),
    ...closedOnEvidence(evidence),
    ...drainBeforeDeath(evidence),
    ...breachesOfEveryRun(evidence),
  ];
}

/** Those laws whose judge needs no Service that stays as it was made. */
export function breachesOfEveryRun(evidence: Evidence): Breach[] {
  const { journal } = evidence;
  const ours = journal.filter(ownershipOf(journal));
  return [
    ...noCutByUs(ours, evidence),
    ...hooksWithinBudget(evidence),
    ...staysClosed(evidence),
    ...openedForItsPod(evidence),
    ...onlyWhatIsOurs(journal),
    ...writerBreaches(evidence, ours),
  ];
}

/** L7, as well as it can be told from what was noted. */
function writerBreaches(evidence: Evidence, ours: readonly JournalRecord[]): Breach[] {
  const { clbCalls } = evidence;
  if (!clbCalls) return oneWriter(ours);
  const known = { ...evidence, clbCalls };
  return [
    ...oneWriterOfAll(known),
    ...onlyUnderTheLease(known),
    ...neverAfterASuccessor(known),
    ...noGateBeforeTheLastWrite(known),
  ];
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
    const end = Math.min(call.finishedAt, call.at + WRITE_DEADLINE_MS);
    lastEnd.set(id, { at: Math.max(last?.at ?? 0, end), action: call.action });
  }
  return found;
}
