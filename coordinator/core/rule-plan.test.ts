import { describe, expect, test } from 'vitest';
import { CUSTOM_WEIGHT_ANNOTATION } from '../../common/names.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import { type CoreWorld, serving } from '../../test/property/core-world.ts';
import { deleted, exited, ready, relabelled, restarted, unready } from '../../test/property/pod-changes.ts';
import { mergeHealthRead } from './observation.ts';
import { holds, MINUTE_MS, next, ONE_RULE, openPods, tell } from './rule-plan.fixture.ts';
import type { PlacedRule } from './rule-state.ts';
import { CLOSED_DRAIN_MS, SWITCH_MS } from './switch.ts';

function withWeight(weight: number) {
  return (record: PodRecord): PodRecord => ({ ...record, annotations: { [CUSTOM_WEIGHT_ANNOTATION]: `${weight}` } });
}

function selectOnly(world: CoreWorld, app: string): void {
  const rules = world.rules as PlacedRule[];
  for (const [index, rule] of rules.entries()) rules[index] = { ...rule, selector: { app } };
}

describe('weak evidence', () => {
  test('closes one of three at once, and the next a minute later', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, unready);
    tell(world, 1, unready);
    world.settle();
    expect(openPods(world)).toEqual(['pod-2', 'pod-3']);
    expect(holds(world)).toEqual(['brake pod-2']);
    world.advance(MINUTE_MS);
    expect(next(world)).toEqual(['close pod-2']);
  });

  test('of a Pod that flaps is charged each time, and the Pod opens as often as it gets ready', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, unready);
    world.settle();
    tell(world, 0, ready);
    expect(next(world)).toEqual(['open pod-1']);
    world.settle();
    tell(world, 0, unready);
    expect(holds(world)).toEqual(['brake pod-1']);
  });

  test('does not stand in the way of a deletion', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, unready);
    world.settle();
    tell(world, 1, deleted);
    expect(next(world)).toEqual(['close pod-2']);
  });

  test('is what a hook call is until the deletion is seen', () => {
    const world = serving(2, ONE_RULE);
    world.hook(0, 'begun');
    world.hook(1, 'begun');
    expect(next(world)).toEqual(['close pod-1']);
    world.settle();
    expect(holds(world)).toEqual(['last-open-target pod-2']);
    tell(world, 1, deleted);
    expect(next(world)).toEqual(['close pod-2']);
  });

  test('ends 10 s after the answer to a hook that no deletion followed: it was a restart', () => {
    const world = serving(2, ONE_RULE);
    world.hook(0, 'begun');
    world.settle();
    world.hook(0, 'answered');
    world.advance(9_999);
    expect(next(world)).toEqual([]);
    world.advance(1);
    expect(next(world)).toEqual(['open pod-1']);
  });

  test('is what a changed weight is: 0 never takes the last open target', () => {
    const world = serving(2, ONE_RULE);
    tell(world, 0, withWeight(0));
    tell(world, 1, withWeight(0));
    world.settle();
    expect(openPods(world)).toEqual(['pod-2']);
    world.advance(MINUTE_MS);
    expect(holds(world)).toEqual(['last-open-target pod-2']);
  });
});

describe('a rule that is paused', () => {
  function pause(world: CoreWorld, isPaused: boolean): void {
    const rules = world.rules as PlacedRule[];
    for (const [index, { isPaused: before, ...rule }] of rules.entries()) {
      rules[index] = { ...rule, ...(isPaused && { isPaused }) };
    }
  }

  test('keeps its targets whatever happens to its Pods, and gets no new ones', () => {
    const world = serving(3, ONE_RULE);
    pause(world, true);
    tell(world, 0, deleted);
    tell(world, 1, exited);
    world.addReadyPod({ address: '10.0.9.1' });
    expect(next(world)).toEqual([]);
    expect([world.plan()?.operations, holds(world)]).toEqual([[], []]);
    pause(world, false);
    expect(next(world)).toEqual(['close pod-1', 'close pod-2']);
  });

  test('gives what its user changed meanwhile the time of a change that is made now (L2)', () => {
    const world = serving(2, ONE_RULE);
    pause(world, true);
    selectOnly(world, 'other');
    world.plan();
    world.advance(SWITCH_MS + MINUTE_MS);
    world.plan();
    pause(world, false);
    expect(next(world)).toEqual([]);
    world.advance(SWITCH_MS);
    expect(next(world)).not.toEqual([]);
  });
});

describe('a container’s exit', () => {
  test('closes at once, past the brake, and opens again without having been deregistered', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, exited);
    tell(world, 1, exited);
    expect(next(world)).toEqual(['close pod-1', 'close pod-2']);
    world.settle();
    tell(world, 0, record => ready(restarted(record)));
    expect(next(world)).toEqual(['open pod-1']);
  });
});

describe('a changed selector', () => {
  function switching(): CoreWorld {
    const world = serving(2, ONE_RULE);
    world.addPod({ node: 'n1', address: '10.0.0.8', app: 'next' });
    world.addPod({ node: 'n1', address: '10.0.0.9', app: 'next' });
    for (const index of [2, 3]) {
      world.reportOne(index);
      world.confirm(index);
    }
    selectOnly(world, 'next');
    return world;
  }

  test('takes nothing away while the new Pods only start', () => {
    const world = switching();
    world.settle();
    expect(openPods(world)).toEqual(['pod-1', 'pod-2']);
    expect(holds(world)).toEqual(['replacements-not-serving pod-1', 'replacements-not-serving pod-2']);
  });

  test('lets an old target leave for each new one that serves, and needs no brake for it: capacity never falls', () => {
    const world = switching();
    tell(world, 2, ready);
    world.settle();
    expect(openPods(world)).toEqual(['pod-1', 'pod-2', 'pod-3']);
    world.allHealthy();
    expect(world.plan()?.write?.operations).toMatchObject([{ kind: 'close', evidence: 'replaced', podUid: 'pod-1' }]);
    world.settle();
    expect(holds(world)).toEqual(['replacements-not-serving pod-2']);
    tell(world, 3, ready);
    world.settle();
    world.allHealthy();
    world.settle();
    expect(openPods(world)).toEqual(['pod-3', 'pod-4']);
  });

  test('of fifty Pods to fifty that serve is over at once', () => {
    const world = serving(50, ONE_RULE);
    for (let index = 0; index < 50; index += 1) world.addReadyPod({ address: `10.0.1.${index}`, app: 'next' });
    selectOnly(world, 'next');
    world.settle();
    expect(openPods(world).length).toBe(100);
    world.allHealthy();
    world.settle();
    expect(new Set(openPods(world))).toEqual(new Set(Array.from({ length: 50 }, (_, index) => `pod-${index + 51}`)));
  });

  test('to fewer Pods is braked as soon as capacity would fall', () => {
    const world = serving(10, ONE_RULE);
    for (let index = 0; index < 3; index += 1) world.addReadyPod({ address: `10.0.1.${index}`, app: 'next' });
    selectOnly(world, 'next');
    world.settle();
    world.allHealthy();
    world.settle();
    // Three were replaced, and the brake lets two of thirteen go.
    expect(openPods(world).length).toBe(8);
    expect(holds(world)).toContain('brake pod-8');
  });

  test('to Pods that are still to come waits for them as long as for slow ones', () => {
    const world = serving(2, ONE_RULE);
    selectOnly(world, 'next');
    world.plan();
    world.advance(SWITCH_MS - 1);
    expect(next(world)).toEqual([]);
    world.advance(1);
    expect(next(world)).toEqual(['close pod-1']);
  });

  test('is braked for what was only opening when it began: that did not come in the place of anything', () => {
    const world = serving(1, ONE_RULE);
    const opening = world.addReadyPod({ address: '10.0.0.2' });
    tell(world, opening, unready);
    world.settle();
    tell(world, opening, ready);
    const write = world.plan()?.write;
    if (write) world.send(write, 'done');
    selectOnly(world, 'next');
    world.plan();
    world.allHealthy();
    world.advance(SWITCH_MS);
    expect(world.plan()?.write?.operations).toMatchObject([{ kind: 'close', evidence: 'unselected' }]);
    expect(holds(world)).toEqual(['last-open-target pod-2']);
  });

  test('is braked under a new leader, which does not know what served before', () => {
    const world = serving(10, ONE_RULE);
    for (let index = 0; index < 10; index += 1) world.addReadyPod({ address: `10.0.1.${index}`, app: 'next' });
    selectOnly(world, 'next');
    world.settle();
    world.allHealthy();
    const { store, confirmed } = world;
    world.newLeader();
    Object.assign(world, { store, confirmed });
    world.read();
    expect(world.plan()?.write?.operations.length).toBe(4);
  });

  test('waits for new Pods for two minutes, then goes on under the brake', () => {
    const world = switching();
    world.settle();
    world.advance(SWITCH_MS);
    expect(next(world)).toEqual(['close pod-1']);
  });

  test('does not wait for Pods that the user gave weight 0', () => {
    const world = switching();
    for (const index of [2, 3]) tell(world, index, withWeight(0));
    expect(next(world)).toContain('close pod-1');
  });

  test('leaves a target closed for half a minute before it is deregistered, however long it was held open', () => {
    const world = switching();
    world.settle();
    world.advance(SWITCH_MS);
    world.settle();
    expect(openPods(world)).toEqual(['pod-2']);
    world.advance(CLOSED_DRAIN_MS - 1_000);
    expect(next(world)).toEqual([]);
    world.advance(1_000);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('deregisters at the very moment that the plan tells, whatever fractions of a millisecond there are', () => {
    for (let hundredths = 1; hundredths <= 100; hundredths += 1) {
      const world = switching();
      world.settle();
      world.advance(SWITCH_MS + hundredths / 100);
      world.settle();
      const lookAgainAt = world.plan()?.lookAgainAt ?? Number.POSITIVE_INFINITY;
      world.advance(lookAgainAt - world.now);
      world.now = lookAgainAt;
      expect(next(world)).toEqual(['deregister pod-1']);
    }
  });
});

test('a target that is no longer selected is deregistered as soon as its agent sees no connection left', () => {
  const world = serving(3, ONE_RULE);
  tell(world, 0, record => relabelled(record, 'other'));
  world.settle();
  expect(next(world)).toEqual([]);
  world.hook(0, 'begun');
  world.hook(0, 'connections-ended');
  expect(next(world)).toEqual(['deregister pod-1']);
});

test('a rule that the user has taken away lets all its targets go at once, the last one too', () => {
  const world = serving(3, ONE_RULE);
  const rules = world.rules as PlacedRule[];
  for (const [index, rule] of rules.entries()) rules[index] = { ...rule, selector: {}, isDeparting: true };
  world.settle();
  expect(openPods(world)).toEqual([]);
  expect(holds(world)).toEqual([]);
  expect(world.cloud.size).toBe(3);
  world.advance(CLOSED_DRAIN_MS);
  world.settle();
  expect(world.cloud.size).toBe(0);
});

describe('a changed target port', () => {
  function moving(): CoreWorld {
    const world = serving(3, ONE_RULE);
    const rules = world.rules as PlacedRule[];
    for (const [index, rule] of rules.entries()) rules[index] = { ...rule, targetPort: 8080 };
    world.settle();
    return world;
  }

  function openPorts(world: CoreWorld): number[] {
    return [...world.cloud.values()].filter(bound => bound.weight > 0).map(bound => bound.port);
  }

  test('takes the old port out of use only as the new one serves', () => {
    const world = moving();
    expect(openPorts(world).sort()).toEqual([80, 80, 80, 8080, 8080, 8080]);
    world.allHealthy();
    world.settle();
    expect(openPorts(world)).toEqual([8080, 8080, 8080]);
    world.advance(CLOSED_DRAIN_MS);
    world.settle();
    expect([...world.cloud.values()].map(bound => bound.port)).toEqual([8080, 8080, 8080]);
  });
});

describe('a changed weight', () => {
  test('is set directly, and is no closing', () => {
    const world = serving(3, ONE_RULE);
    for (const index of [0, 1, 2]) tell(world, index, withWeight(50));
    expect(next(world)).toEqual(['open pod-1', 'open pod-2', 'open pod-3']);
  });

  test('of 0 leaves the gate’s target closed by the user’s word, and comes back at once', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, withWeight(0));
    world.settle();
    expect(openPods(world)).toEqual(['pod-2', 'pod-3']);
    tell(world, 0, withWeight(100));
    expect(next(world)).toEqual(['open pod-1']);
  });

  test('moves traffic from one colour to the other make-before-break', () => {
    const world = serving(10, ONE_RULE);
    for (let index = 0; index < 10; index += 1) {
      const added = world.addReadyPod({ address: `10.0.1.${index}` });
      tell(world, added, withWeight(0));
    }
    world.settle();
    for (let index = 0; index < 10; index += 1) {
      tell(world, index, withWeight(0));
      tell(world, index + 10, withWeight(10));
    }
    const first = world.plan()?.write?.operations ?? [];
    expect(first.every(operation => operation.kind === 'open')).toBe(true);
    world.settle();
    world.allHealthy();
    world.settle();
    expect(new Set(openPods(world))).toEqual(new Set(Array.from({ length: 10 }, (_, index) => `pod-${index + 11}`)));
  });
});

test('a deleted target may be the last open one as long as no health was read: it waits for its replacement', () => {
  const world = serving(1, ONE_RULE);
  world.addReadyPod({ address: '10.0.0.9' });
  world.settle();
  tell(world, 0, deleted);
  world.lane = { ...world.lane, observation: mergeHealthRead(world.lane.observation, []) };
  expect(next(world)).toEqual([]);
  expect(holds(world)).toEqual(['last-open-target pod-1']);
  world.allHealthy();
  expect(next(world)).toEqual(['close pod-1']);
});

test('a deleted target that is the last open one waits also for a replacement that CLB refuses as yet (L2)', () => {
  const world = serving(1, ONE_RULE);
  world.refuse(0, { address: '10.0.0.9', isRefused: true });
  world.addReadyPod({ address: '10.0.0.9' });
  tell(world, 0, deleted);
  expect(next(world)).toEqual([]);
  expect(holds(world)).toEqual(['last-open-target pod-1']);
});
