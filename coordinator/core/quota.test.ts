import { describe, expect, test } from 'vitest';
import { type CoreWorld, serving } from '../../test/property/core-world.ts';
import { deleted, exited, ready, unready } from '../../test/property/pod-changes.ts';
import { CLOSED_DRAIN_MS } from './switch.ts';

const ONE_RULE = [{ port: 80, app: 'web' }];
const RULE_ID = 's0/TCP/80';
const MINUTE_MS = 60_000;

function next(world: CoreWorld): string[] {
  return (world.plan()?.write?.operations ?? []).map(operation => `${operation.kind} ${operation.podUid}`);
}

function tell(world: CoreWorld, index: number, edit: Parameters<CoreWorld['change']>[1]): void {
  world.change(index, edit);
  world.reportOne(index);
}

function boundPods(world: CoreWorld): string[] {
  return [...world.cloud.keys()].map(key => world.ownerOf(key) ?? 'foreign').sort();
}

/** A rule at its quota: every Pod serves, its gate is open. */
function full(count: number): CoreWorld {
  const world = serving(count, ONE_RULE);
  world.targetsPerRuleMax = count;
  world.plan();
  world.openGates();
  return world;
}

/** Lets time pass and the lane work, with health and gates as they follow. */
function liveOn(world: CoreWorld, durationMs: number): void {
  for (let passedMs = 0; passedMs <= durationMs; passedMs += 1_000) {
    world.settle();
    world.allHealthy();
    world.plan();
    world.openGates();
    world.advance(1_000);
  }
}

describe('a rule with more Pods than CLB takes', () => {
  function crowd(): CoreWorld {
    const world = serving(0, ONE_RULE);
    world.targetsPerRuleMax = 3;
    for (const address of [5, 4, 3, 2, 1]) {
      world.addReadyPod({ address: `10.0.0.${address}` });
      world.advance(10);
    }
    world.read();
    return world;
  }

  test('gets the oldest of them, and counts those it leaves out', () => {
    const world = crowd();
    expect(next(world)).toEqual(['register pod-3', 'register pod-2', 'register pod-1']);
    expect(world.plan()?.leftOut).toEqual(new Map([[RULE_ID, 2]]));
  });

  test('keeps what is bound when an older Pod comes', () => {
    const world = crowd();
    world.settle();
    world.change(4, record => ({ ...record, createdAtMs: 0 }));
    world.reportOne(4);
    expect(next(world)).toEqual([]);
    expect(boundPods(world)).toEqual(['pod-1', 'pod-2', 'pod-3']);
  });

  test('counts foreign targets and those that only leave', () => {
    const world = full(3);
    world.addForeign(0, { address: '10.0.0.99', tag: '' });
    world.targetsPerRuleMax = 4;
    world.addReadyPod({ address: '10.0.0.9' });
    tell(world, 0, deleted);
    world.settle();
    expect(boundPods(world)).toEqual(['foreign', 'pod-1', 'pod-2', 'pod-3']);
    world.finish(0);
    world.reportOne(0);
    world.settle();
    expect(boundPods(world)).toEqual(['foreign', 'pod-2', 'pod-3', 'pod-4']);
  });

  test('prefers Pods whose gates wait, then those that start, to those whose gates are open', () => {
    const world = full(3);
    world.targetsPerRuleMax = 2;
    world.cloud.clear();
    world.addReadyPod({ address: '10.0.0.8' });
    const starts = world.pods.length;
    world.addPod({ node: 'n1', address: '10.0.0.9', app: 'web' });
    world.reportOne(starts);
    world.read();
    expect(next(world)).toEqual(['register pod-4', 'register pod-5']);
  });
});

describe('a Pod whose gate waits at the quota', () => {
  /** Three Pods of two ReplicaSets serve on a full rule, and a new one is ready. */
  function waiting(): CoreWorld {
    const world = serving(0, ONE_RULE);
    world.targetsPerRuleMax = 3;
    for (const [address, hash] of [
      ['10.0.0.1', 'new'],
      ['10.0.0.2', 'old'],
      ['10.0.0.3', 'old'],
    ] as const) {
      world.addReadyPod({ address, hash });
    }
    world.change(1, record => ({ ...record, createdAtMs: 900 }));
    world.change(2, record => ({ ...record, createdAtMs: 500 }));
    for (const index of [1, 2]) world.reportOne(index);
    liveOn(world, 0);
    world.addReadyPod({ address: '10.0.0.9', hash: 'new' });
    return world;
  }

  test('gets the place of the oldest ReplicaSet’s oldest Pod, which is closed first and stays so for its connections', () => {
    const world = waiting();
    expect(world.plan()?.write?.operations).toMatchObject([{ kind: 'close', evidence: 'quota', podUid: 'pod-3' }]);
    world.settle();
    world.advance(CLOSED_DRAIN_MS - 1_000);
    expect(next(world)).toEqual([]);
    world.advance(1_000);
    expect(world.plan()?.write?.operations).toMatchObject([{ kind: 'deregister', evidence: 'quota', podUid: 'pod-3' }]);
    world.settle();
    expect(boundPods(world)).toEqual(['pod-1', 'pod-2', 'pod-4']);
  });

  test('takes nothing while a hook tells that another Pod is about to leave', () => {
    const world = waiting();
    world.hook(1, 'begun');
    expect(next(world)).toEqual(['close pod-2']);
    world.settle();
    expect(next(world)).toEqual([]);
  });

  test('is not swapped for the one whose place it took: that one waits until there is room', () => {
    const world = waiting();
    liveOn(world, 2 * MINUTE_MS);
    expect(boundPods(world)).toEqual(['pod-1', 'pod-2', 'pod-4']);
    liveOn(world, 5 * MINUTE_MS);
    expect(boundPods(world)).toEqual(['pod-1', 'pod-2', 'pod-4']);
    tell(world, 1, deleted);
    world.finish(1);
    world.reportOne(1);
    world.settle();
    expect(boundPods(world)).toEqual(['pod-1', 'pod-3', 'pod-4']);
  });

  test('and others with it are served one at a time', () => {
    const world = waiting();
    world.addReadyPod({ address: '10.0.0.10', hash: 'new' });
    world.settle();
    expect(next(world)).toEqual([]);
    expect([...world.cloud.values()].filter(bound => bound.weight === 0).length).toBe(1);
  });

  test('takes first what has no traffic: a Pod that is not ready', () => {
    const world = waiting();
    tell(world, 0, unready);
    world.settle();
    liveOn(world, CLOSED_DRAIN_MS + 2_000);
    expect(boundPods(world)).toEqual(['pod-2', 'pod-3', 'pod-4']);
  });

  test('takes nothing while another Pod leaves, unless that takes too long', () => {
    const world = waiting();
    tell(world, 0, deleted);
    expect(next(world)).toEqual(['close pod-1']);
    world.settle();
    world.advance(MINUTE_MS - 10);
    expect(next(world)).toEqual([]);
    expect(world.plan()?.lookAgainAt).toBeLessThanOrEqual(world.now + 10);
    world.advance(10);
    expect(next(world)).toEqual(['close pod-3']);
  });

  test('does not take the last open target', () => {
    const world = full(1);
    world.addReadyPod({ address: '10.0.0.9' });
    expect(next(world)).toEqual([]);
    expect(world.plan()?.holds).toMatchObject([{ reason: 'last-open-target', podUid: 'pod-1' }]);
  });

  test('gets no place as long as it could not serve', () => {
    const world = waiting();
    tell(world, 3, unready);
    world.settle();
    expect(boundPods(world)).toEqual(['pod-1', 'pod-2', 'pod-3']);
    tell(world, 3, ready);
    expect(next(world)).toEqual(['close pod-3']);
  });

  test('stands under the brake like all weak evidence', () => {
    const world = waiting();
    world.addReadyPod({ address: '10.0.0.10', hash: 'new' });
    const closedAt = world.now;
    liveOn(world, CLOSED_DRAIN_MS + 2_000);
    expect(boundPods(world)).toEqual(['pod-1', 'pod-2', 'pod-4']);
    expect(world.plan()?.holds).toMatchObject([{ reason: 'brake', podUid: 'pod-2', until: closedAt + MINUTE_MS }]);
  });
});

describe('what makes room', () => {
  test('goes before registrations that cannot go without it', () => {
    const world = full(2);
    tell(world, 0, deleted);
    world.settle();
    world.addReadyPod({ address: '10.0.0.8' });
    world.hook(0, 'begun');
    world.hook(0, 'connections-ended');
    // Elsewhere on the load balancer there is room.
    expect(next(world)).toEqual(['deregister pod-1']);
    world.settle();
    expect(boundPods(world)).toEqual(['pod-2', 'pod-3']);
  });
});

test('a rolling update at the quota that takes no Pod away before a new one is ready comes to its end', () => {
  const count = 5;
  const world = full(count);
  for (const index of world.pods.keys()) {
    world.change(index, record => ({ ...record, labels: { ...record.labels, 'pod-template-hash': 'old' } }));
    world.reportOne(index);
  }
  const isOld = (index: number) => world.pods[index]?.record.labels['pod-template-hash'] === 'old';
  const isLive = (index: number) => world.pods[index]?.gone === false && !world.pods[index]?.record.deletion;
  const indexes = () => [...world.pods.keys()].filter(isLive);
  const isAvailable = (index: number) => world.pods[index]?.record.gate === 3;
  let made = 0;
  let lowest = count;
  for (let seconds = 0; seconds < 1_200 && indexes().some(isOld); seconds += 1) {
    if (indexes().length < count + 1 && made < count) {
      made += 1;
      world.addReadyPod({ address: `10.0.1.${made}`, hash: 'new' });
    }
    const old = indexes().find(isOld);
    if (old !== undefined && indexes().filter(isAvailable).length > count) tell(world, old, deleted);
    for (const [index, pod] of world.pods.entries()) {
      if (!pod.record.deletion || pod.gone || seconds % 10 !== 0) continue;
      tell(world, index, exited);
      world.finish(index);
      world.reportOne(index);
    }
    liveOn(world, 0);
    lowest = Math.min(lowest, [...world.cloud.values()].filter(bound => bound.weight > 0).length);
  }
  expect(indexes().some(isOld)).toBe(false);
  expect(indexes().filter(isAvailable).length).toBe(count);
  // One that leaves and one that gives its place.
  expect(lowest).toBeGreaterThanOrEqual(count - 2);
});
