import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import type { Breach } from './breach.ts';
import type { ClbCallNote, Evidence } from './evidence.ts';
import type { ApiWrite } from './noting-api.ts';
import type { Sleep } from './process/process-clock.ts';

export type WriterEvidence = Pick<Evidence, 'journal' | 'apiWrites'> & Required<Pick<Evidence, 'clbCalls'>>;

/** Calls that change a load balancer. */
const WRITES = new Set([
  'BatchRegisterTargets',
  'BatchDeregisterTargets',
  'BatchModifyTargetWeight',
  'BatchModifyTargetTag',
  'CreateListener',
  'DeleteLoadBalancerListeners',
]);
/** Longest wait of a coordinator for the answer to a write, by its own clock. */
const WRITE_DEADLINE_MS = 6_000;
/** By the world's clock, for a process whose own runs slow. */
const SLOWEST = 1 / 0.9;
/** A lease of 10 s has to outlive a call of 6 s by 1 s: so young is the renewal at which a call may begin. */
const RENEWAL_AGE_MAX_MS = 3_000;
/** Who was told that the account is over its rate sends little for so long. */
const THROTTLED_MS = 5_000;
/** And each request waits no longer than this: half a second of rest, and a second at the lowest rate. */
const TURN_WAIT_MAX_MS = 1_500;
/** From the server's deed to the process, on a way that nothing slows. */
const ON_THE_WAY_MS = 10;
/** By this name people are known to the API server. */
const PEOPLE = 'admin';
const LEASE = /\/leases\/clb-direct$/;

interface Write {
  readonly loadBalancerId: string;
  readonly action: string;
  readonly at: number;
  /** The last moment at which CLB did anything for it. */
  readonly endedAt: number;
  readonly note: ClbCallNote;
}

/**
 * L7 as CLB sees it: what it still carries out is not crossed by another write of ours, unless the process that asked for it is
 * dead (the predecessor's last write, which its successor reads again) or has reason to think that it failed.
 */
export function oneWriterOfAll(evidence: WriterEvidence): Breach[] {
  const found: Breach[] = [];
  const under = new Map<string, Write>();
  for (const write of writesOf(evidence)) {
    const before = under.get(write.loadBalancerId);
    const isGivenUp = before && write.note.startedAt >= givenUpAt(before);
    const isOfTheDead = before && (before.note.process.severedAt ?? Number.POSITIVE_INFINITY) <= write.at;
    if (before && before.endedAt > write.at && !isGivenUp && !isOfTheDead) {
      const who = `${write.note.process.name} began ${write.action} on ${write.loadBalancerId}`;
      found.push({ law: 'L7', message: `${who} during ${before.action} of ${before.note.process.name}` });
    }
    if (!before || write.endedAt > before.endedAt) under.set(write.loadBalancerId, write);
  }
  return found;
}

/** What it hears to have failed, or hears nothing of for too long, a process reads again; CLB may still be at it. */
function givenUpAt({ note: { startedAt, failureToldAt } }: Write): number {
  return Math.min(startedAt + WRITE_DEADLINE_MS / 1.1, failureToldAt ?? Number.POSITIVE_INFINITY);
}

/**
 * L7: a write begins only when its process has just renewed the lease, as the API server saw it. It may wait for its turn
 * where CLB has told the process that the account is over its rate, or sleep before it goes out; its deadline runs from
 * before that.
 */
export function onlyUnderTheLease(evidence: WriterEvidence): Breach[] {
  const renewals = renewalsOf(evidence.apiWrites);
  const throttled = throttledOf(evidence);
  return writesOf(evidence).flatMap(({ action, loadBalancerId, note: { process, startedAt } }) => {
    const renewedAt = renewals.get(process.name)?.findLast(at => at <= startedAt) ?? Number.NEGATIVE_INFINITY;
    const ageMs = goesOutBy(process, startedAt) - renewedAt;
    const answers = throttled.get(`${process.name} ${action}`) ?? [];
    const waits = answers.some(at => at <= startedAt && startedAt <= at + THROTTLED_MS);
    if (ageMs <= (RENEWAL_AGE_MAX_MS + (waits ? TURN_WAIT_MAX_MS : 0)) * SLOWEST + ON_THE_WAY_MS) return [];
    const message = `${process.name} began ${action} on ${loadBalancerId} ${Math.round(ageMs)} ms after its last renewal`;
    return [{ law: 'L7', message }];
  });
}

/** When the process was about to send what went out at `startedAt`: one that was frozen just then sends it as it wakes. */
function goesOutBy({ sleeps }: ClbCallNote['process'], startedAt: number): number {
  const isCause = ({ from, until }: Sleep) =>
    until <= startedAt && startedAt <= until + ON_THE_WAY_MS && until - from < WRITE_DEADLINE_MS;
  return sleeps.findLast(isCause)?.from ?? startedAt;
}

/**
 * L7: nobody begins a write when somebody else has written himself into the lease since his own last renewal: whoever follows
 * waits for the lease to run out or for the proof that its holder is dead. A lease that people meddle with proves nothing.
 */
export function neverAfterASuccessor(evidence: WriterEvidence): Breach[] {
  const changes = evidence.apiWrites.filter(isLeaseChange);
  return writesOf(evidence).flatMap(({ action, loadBalancerId, note: { process, startedAt } }) => {
    const known = changes.filter(({ at }) => at <= startedAt - ON_THE_WAY_MS);
    const own = known.findLastIndex(({ username }) => username === process.name);
    const since = known.slice(own + 1).map(({ username }) => username);
    const [successor] = since;
    if (successor === undefined || since.includes(PEOPLE)) return [];
    const message = `${process.name} began ${action} on ${loadBalancerId} though ${successor} had taken the lease`;
    return [{ law: 'L7', message }];
  });
}

function writesOf({ journal, clbCalls }: WriterEvidence): Write[] {
  const changedAt = new Map<string, number>();
  for (const record of journal) if (record.kind === 'change') changedAt.set(record.requestId, record.at);
  return journal
    .flatMap(record => {
      const note = record.kind === 'call' && WRITES.has(record.action) ? clbCalls.get(record.requestId) : undefined;
      return note && record.kind === 'call' ? [writeOf(record, note, changedAt.get(record.requestId))] : [];
    })
    .toSorted((a, b) => a.at - b.at);
}

function writeOf(
  { action, at, finishedAt, parameters, code, requestId: _ }: Extract<JournalRecord, { kind: 'call' }>,
  note: ClbCallNote,
  changedAt: number | undefined,
): Write {
  const { LoadBalancerId: loadBalancerId = '' } = parameters as { LoadBalancerId?: string };
  // What CLB refused at once it never carried out.
  const isRefused = code !== '' && changedAt === undefined;
  const endedAt = isRefused ? at : Math.max(finishedAt, changedAt ?? at);
  return { loadBalancerId, action, at, endedAt, note };
}

/** When CLB told a process, of an action, that the account is over its rate. */
function throttledOf({ journal, clbCalls }: WriterEvidence): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const record of journal) {
    if (record.kind !== 'call' || record.code !== 'RequestLimitExceeded') continue;
    const key = `${clbCalls.get(record.requestId)?.process.name} ${record.action}`;
    found.set(key, [...(found.get(key) ?? []), record.finishedAt]);
  }
  return found;
}

function isLeaseChange({ method, path, status }: ApiWrite): boolean {
  const isCreation = method === 'POST' && path.endsWith('/leases');
  return status < 300 && (LEASE.test(path) || isCreation);
}

/** When each process wrote itself into the lease. */
function renewalsOf(apiWrites: readonly ApiWrite[]): ReadonlyMap<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { at, username } of apiWrites.filter(isLeaseChange)) {
    if (username === PEOPLE) continue;
    const own = found.get(username);
    if (own) own.push(at);
    else found.set(username, [at]);
  }
  return found;
}
