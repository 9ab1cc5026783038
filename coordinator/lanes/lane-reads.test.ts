import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bindingKey } from '../core/binding-key.ts';
import { cloudError } from './fake-cloud.ts';
import { LaneBench } from './lane.fixture.ts';

let bench: LaneBench;
beforeEach(() => {
  bench = new LaneBench();
});
afterEach(() => bench.close());

function targetReads(): number {
  return bench.cloud.reads.filter(read => read.action === 'targets').length;
}

test('a read that tells of the time before a success is repeated once before anything follows from it', async () => {
  bench.addReadyPods(3);
  bench.start();
  await bench.clock.advance(100);
  bench.cloud.staleReads = 1;
  const reads = targetReads();
  await bench.clock.advance(2_000);
  expect(bench.sizes('register')).toEqual([3]);
  expect(targetReads() - reads).toBe(2);
  expect(bench.lane.view().transactions.size).toBe(0);
});

test('a later read that contradicts is believed, however often reads were stale before', async () => {
  bench.addReadyPods(3);
  bench.start();
  await bench.clock.advance(100);
  bench.cloud.staleReads = 3;
  await bench.clock.advance(5_000);
  expect(bench.lane.plan?.operations).toEqual([]);
  expect(bench.lane.targetsOf(bench.podUid(0))[0]?.target.bound?.weight).toBe(10);
});

test('a success that changes nothing is tried again at once, then ever more rarely, and told after the third time', async () => {
  bench.addReadyPods(2);
  bench.cloud.silentBatches = 5;
  bench.start();
  await bench.clock.advance(1_000);
  expect(bench.sizes('register').length).toBeGreaterThanOrEqual(2);
  expect(bench.failures).toEqual([]);
  await bench.clock.advance(30_000);
  expect(bench.cloud.bindings.size).toBe(2);
  expect(bench.sizes('register')).toHaveLength(6);
  expect(bench.failures.map(({ error, targets }) => [error.code, targets.length])).toEqual([['CD2047', 2]]);
});

test('what was lost on the way is read before the same targets are written again', async () => {
  bench.addReadyPods(2);
  bench.cloud.answers.push(cloudError({ outcomeUnknown: true, blames: 'load-balancer' }));
  bench.start();
  await bench.clock.advance(5_000);
  const [lost, again] = bench.writes('register');
  const readBetween = bench.cloud.reads.some(
    ({ action, startedAt }) =>
      action === 'targets' && startedAt > (lost?.startedAt ?? 0) && startedAt < (again?.startedAt ?? 0),
  );
  expect(readBetween).toBe(true);
  expect(bench.cloud.bindings.size).toBe(2);
});

test('a load balancer that may be busy with the last write of the leader before is read, so that nothing is written twice', async () => {
  bench.laneOptions.predecessorWritesUntil = 10_000;
  bench.addReadyPods(2);
  bench.cloud.answers.push(cloudError({ class: 'busy', blames: 'load-balancer' }));
  const { registerTargets } = bench.cloud;
  bench.cloud.registerTargets = (id, targets, signal) => {
    // Between the refusal and the next try.
    bench.clock.schedule(bench.cloud.writeMs + 20, () => {
      for (const target of targets) bench.cloud.bindings.set(bindingKey(target), target);
    });
    return registerTargets(id, targets, signal);
  };
  bench.start();
  await bench.clock.advance(5_000);
  expect(bench.sizes('register')).toEqual([2]);
});

test('only listeners that a write touched are read after it', async () => {
  await bench.close();
  bench = new LaneBench([80, 81, 82]);
  const [first = 0] = bench.addReadyPods(2);
  bench.start();
  await bench.clock.advance(5_000);
  bench.rules = bench.world.rules.slice(0, 1);
  bench.demand();
  bench.delete(first);
  await bench.clock.advance(1_000);
  expect(bench.cloud.reads.findLast(({ action }) => action === 'targets')?.ids).toEqual(['lbl-0']);
});

test('who waits hears which Pods look different after a read, and whether listeners do', async () => {
  bench.addReadyPods(2);
  bench.start();
  await bench.clock.advance(1_000);
  expect(bench.changes[0]).toMatchObject({ listeners: true });
  const told = bench.changes.length;
  bench.delete(0);
  await bench.clock.advance(1_000);
  const later = bench.changes.slice(told);
  expect(later.every(change => !change.listeners)).toBe(true);
  expect(later.some(change => change.podUids.has(bench.podUid(0)))).toBe(true);
});

test('a lane on which nothing happens asks nothing and holds no timer', async () => {
  bench.addReadyPods(2);
  bench.start();
  await bench.clock.advance(10_000);
  bench.poller.detach(bench.lane);
  await bench.clock.advance(10_000);
  const { length } = bench.cloud.reads;
  await expect(bench.clock.advanceUntil(() => false, 3_600_000)).rejects.toThrow();
  expect(bench.cloud.reads).toHaveLength(length);
});

test('what somebody else did to targets is mended as soon as health shows it, long before the audit', async () => {
  bench.addReadyPods(3);
  bench.start();
  await bench.clock.advance(2_000);
  const [first, second] = [...bench.cloud.bindings];
  if (!first || !second) throw new Error('three targets are bound');
  bench.cloud.bindings.set(first[0], { ...first[1], weight: 77 });
  bench.cloud.bindings.delete(second[0]);
  await bench.clock.advance(10_000);
  expect([...bench.cloud.bindings.values()].map(({ weight }) => weight)).toEqual([10, 10, 10]);
});

test('a listener that somebody deleted is noticed by the first write that fails on it', async () => {
  bench.addReadyPods(4);
  bench.start();
  await bench.clock.advance(2_000);
  bench.cloud.listeners = [];
  bench.cloud.bindings.clear();
  bench.cloud.failingListenerIds.add('lbl-0');
  await bench.clock.advance(20_000);
  expect(bench.lane.listeners).toEqual([]);
  expect(bench.writes('register')).toHaveLength(2);
});

describe('what lists of an earlier time may lack', () => {
  const isInherited = true;
  const hides = (fields = {}) => bench.lane.mayHide({ ownerUid: 's0', isInherited: false, ...fields });

  /** A listener is made, and lists go on to tell of the time before. */
  async function makeUnseen(): Promise<void> {
    bench.start();
    await bench.clock.advance(1_000);
    bench.cloud.earlierListeners = bench.cloud.listeners;
    bench.cloud.listeners = [...bench.cloud.listeners];
    bench.wantedPort = 81;
    bench.demand();
    await bench.clock.advance(100);
    bench.wantedPort = undefined;
    bench.awaitsAbsence = true;
    bench.demand();
    await bench.clock.advance(1_000);
    expect(bench.cloud.listeners.map(({ port }) => port)).toEqual([80, 81]);
  }

  test('is a listener that was made a moment ago: only lists of much later prove that it is not there', async () => {
    await makeUnseen();
    expect(hides()).toBe(true);
    expect(hides({ ownerUid: 's1' })).toBe(false);
    await bench.clock.advance(20_000);
    expect(hides()).toBe(true);
    await bench.clock.advance(20_000);
    expect(hides()).toBe(false);
  });

  test('is found soon after lists show it, while somebody waits to see that nothing is left', async () => {
    await makeUnseen();
    bench.cloud.earlierListeners = undefined;
    await bench.clock.advance(6_000);
    expect(bench.lane.listeners.map(({ port }) => port)).toEqual([80, 81]);
    expect(hides()).toBe(false);
  });

  test('is what the leader before has made, whoever it was made for, but nothing of what is new', async () => {
    bench.laneOptions.predecessorShownAt = 30_000;
    bench.awaitsAbsence = true;
    bench.start();
    await bench.clock.advance(29_000);
    expect(hides({ isInherited })).toBe(true);
    expect(hides()).toBe(false);
    await bench.clock.advance(10_000);
    expect(hides({ isInherited })).toBe(false);
  });
});
