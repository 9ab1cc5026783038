import { afterEach, beforeEach, expect, it } from 'vitest';
import { seededRandom } from '../../../common/random.ts';
import { VirtualClock } from '../../../common/virtual-clock.ts';
import { ELECTION_DEFAULTS } from './election-options.ts';
import type { Predecessor } from './election-step.ts';
import { LeaderElector } from './leader-elector.ts';
import { leaseLock } from './lease-lock.ts';
import { LeaseServer } from './lease-server.ts';

let clock: VirtualClock;
let server: LeaseServer;
let story: string[];
let predecessors: Predecessor[];
let onFollowed: () => void;
let errors: unknown[];
let stops: (() => Promise<void>)[];

beforeEach(() => {
  clock = new VirtualClock();
  server = new LeaseServer({ clock, random: seededRandom(1), slowShare: 0, lossShare: 0 });
  story = [];
  predecessors = [];
  onFollowed = () => undefined;
  errors = [];
  stops = [];
});

afterEach(async () => {
  await Promise.all(stops.map(stop => stop()));
});

it('lets one of two replicas lead, renewing each retry period', async () => {
  const a = start('a');
  await clock.advance(100);
  const b = start('b');
  await clock.advance(60_000);
  expect(story).toEqual(['a leads in term 0']);
  expect([a.isLeading, b.isLeading]).toEqual([true, false]);
  expect(b.holderIdentity()).toBe('a');
  expect(a.mayWriteUntil() - clock.now()).toBeGreaterThan(8_900);
  expect(b.mayWriteUntil()).toBe(Number.NEGATIVE_INFINITY);
  expect(errors).toEqual([]);
});

it('lets the other replica lead when the lease of a vanished leader has run out', async () => {
  const vanish = vanishable();
  start('a', vanish.server);
  await clock.advance(500);
  const b = start('b');
  await clock.advance(5_000);
  const lastRenewalAt = clock.now();
  vanish.cut();
  await clock.advanceUntil(() => b.isLeading, 20_000);
  expect(clock.now() - lastRenewalAt).toBeGreaterThan(9_000);
  expect(clock.now() - lastRenewalAt).toBeLessThan(12_000);
  expect(story).toEqual(['a leads in term 0', 'a stops', 'b leads in term 1']);
});

it('lets the other replica lead at once when the leader is proven dead', async () => {
  const vanish = vanishable();
  start('a', vanish.server);
  await clock.advance(500);
  const b = start('b');
  await clock.advance(5_000);
  vanish.cut();
  b.holderDied('somebody else', clock.now());
  await clock.advance(2_000);
  expect(b.isLeading).toBe(false);
  const diedAt = clock.now() - 200;
  b.holderDied('a', diedAt);
  await clock.advance(50);
  expect(b.isLeading).toBe(true);
  expect(predecessors.at(-1)).toEqual({ type: 'dead', at: diedAt });
});

it('tells after each look at the lease that it follows, so that proofs that came early can be weighed', async () => {
  const vanish = vanishable();
  start('a', vanish.server);
  await clock.advance(500);
  vanish.cut();
  const b = start('b');
  onFollowed = () => {
    if (b.holderIdentity() === 'a') b.holderDied('a', clock.now());
  };
  await clock.advance(100);
  expect(b.isLeading).toBe(true);
});

it('lets the other replica lead within a retry period when the leader releases', async () => {
  const a = start('a');
  await clock.advance(500);
  const b = start('b');
  await clock.advance(5_000);
  const released = a.release(new AbortController().signal);
  expect(a.isLeading, 'it stops before the lease is given away').toBe(false);
  await clock.advanceUntil(() => b.isLeading, 1_300);
  await released;
  await clock.advance(30_000);
  expect(story).toEqual(['a leads in term 0', 'a stops', 'b leads in term 1']);
});

it('releases a lease that it took with a write whose answer was lost', async () => {
  const a = start('a');
  await clock.advanceUntil(() => server.lease?.spec !== undefined, 100);
  const released = a.release(new AbortController().signal);
  await clock.advance(1_000);
  await released;
  expect(server.lease?.spec?.holderIdentity).toBe('');
});

it('does not clear the lease of another when a follower releases', async () => {
  start('a');
  await clock.advance(500);
  const b = start('b');
  await clock.advance(500);
  const released = b.release(new AbortController().signal);
  await clock.advance(100);
  await released;
  expect(server.lease?.spec?.holderIdentity).toBe('a');
});

it('stops leading at the renew deadline when the server cannot be reached, and comes back in a new term', async () => {
  const a = start('a');
  await clock.advance(1_100);
  const renewedUntil = a.mayWriteUntil();
  server.isReachable = false;
  await clock.advanceUntil(() => !a.isLeading, 10_000);
  expect(clock.now()).toBe(renewedUntil - ELECTION_DEFAULTS.leaseDurationMs + ELECTION_DEFAULTS.renewDeadlineMs);
  expect(errors.length).toBeGreaterThan(2);
  server.isReachable = true;
  await clock.advance(1_300);
  expect(story).toEqual(['a leads in term 0', 'a stops', 'a leads in term 1']);
});

it('stops leading when its signal aborts, and leaves the lease to run out', async () => {
  const a = start('a');
  await clock.advance(500);
  await stops.pop()?.();
  expect(a.isLeading).toBe(false);
  expect(story).toEqual(['a leads in term 0', 'a stops']);
  expect(server.lease?.spec?.holderIdentity).toBe('a');
});

it('keeps what others wrote into the lease', async () => {
  server.lease = { metadata: { name: 'lease', namespace: 'system', resourceVersion: '0', labels: { team: 'x' } } };
  start('a');
  await clock.advance(5_000);
  expect(server.lease.metadata.labels).toEqual({ team: 'x' });
  expect(server.lease.spec?.holderIdentity).toBe('a');
});

function start(identity: string, transport = server): LeaderElector {
  const elector = new LeaderElector({
    identity,
    ...ELECTION_DEFAULTS,
    lock: leaseLock({ transport, namespace: 'system', name: 'lease' }),
    clock,
    random: seededRandom(identity.charCodeAt(0)),
    onStartedLeading: (term, predecessor) => {
      story.push(`${identity} leads in term ${term}`);
      predecessors.push(predecessor);
    },
    onStoppedLeading: () => story.push(`${identity} stops`),
    onFollowed: () => onFollowed(),
    onError: error => errors.push(error),
  });
  const abort = new AbortController();
  const running = elector.run(abort.signal);
  stops.push(async () => {
    abort.abort(new Error('test over'));
    await clock.advance(0);
    await running;
  });
  return elector;
}

/** The same lease, over a network of its own that can be cut. */
function vanishable(): { server: LeaseServer; cut: () => void } {
  const proxy = Object.create(server, {
    request: {
      value: (...parameters: Parameters<LeaseServer['request']>) =>
        isCut ? Promise.reject(new Error('cut')) : server.request(...parameters),
    },
  }) as LeaseServer;
  let isCut = false;
  return {
    server: proxy,
    cut: () => {
      isCut = true;
    },
  };
}
