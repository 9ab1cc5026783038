import { describe, expect, test } from 'vitest';
import { CoreWorld, serving } from '../../test/property/core-world.ts';
import { deleted, exited, ready, unready } from '../../test/property/pod-changes.ts';
import {
  chargeWrite,
  DEFAULT_PLAN_LIMITS,
  EMPTY_MEMORY,
  type LanePlan,
  type LanePlanInput,
  planLane,
} from './lane-plan.ts';
import type { TargetChange, TargetOperation } from './target-operation.ts';

const ONE_RULE = [{ port: 80, app: 'web' }];

/** A plan of the world with something in its input changed. */
function planWith(world: CoreWorld, changes: Partial<LanePlanInput>): LanePlan {
  const plan = planLane({ ...world.planInput(), ...changes });
  world.previous = plan;
  return plan;
}

function worldOf(count: number): CoreWorld {
  const world = new CoreWorld(ONE_RULE);
  for (let index = 0; index < count; index += 1) world.addReadyPod({ address: `10.0.1.${index}` });
  world.read();
  return world;
}

function change(world: CoreWorld, index: number, edit: Parameters<CoreWorld['change']>[1]): void {
  world.change(index, edit);
  world.reportOne(index);
}

describe('a batch', () => {
  test('holds all operations of its kind up to the limit of CLB', () => {
    expect(worldOf(7).plan()?.write?.operations.length).toBe(7);
    expect(planWith(worldOf(7), { sizeMax: 3 }).write?.operations.length).toBe(3);
  });

  test('never holds more than CLB takes, whatever the lane would send', () => {
    const limits = { ...DEFAULT_PLAN_LIMITS, batchSizeMax: 4 };
    expect(planWith(worldOf(7), { limits, sizeMax: 9 }).write?.operations.length).toBe(4);
  });

  test('is urgent when it takes weight from a Pod that leaves, and not when it only adds', () => {
    const world = serving(2, ONE_RULE);
    change(world, 0, deleted);
    expect(world.plan()?.write?.urgent).toBe(true);
    expect(worldOf(1).plan()?.write?.urgent).toBe(false);
  });

  test('carries closings and openings together, closings first', () => {
    const world = serving(3, ONE_RULE);
    change(world, 0, unready);
    world.settle();
    change(world, 0, ready);
    change(world, 1, deleted);
    const write = world.plan()?.write;
    expect(write?.kind).toBe('weights');
    expect(write?.operations.map(({ kind, podUid }) => `${kind} ${podUid}`)).toEqual(['close pod-2', 'open pod-1']);
  });

  test('leaves out what waits for its next try, and still counts it as queued', () => {
    const plan = planWith(worldOf(2), { mayTry: operation => operation.podUid !== 'pod-1' });
    expect(plan.write?.operations.map(operation => operation.podUid)).toEqual(['pod-2']);
    expect(plan.operations.length).toBe(2);
  });
});

describe('who goes first', () => {
  /** Pod 1 is to be closed, pod 3 to be registered. */
  function contended(): CoreWorld {
    const world = serving(2, ONE_RULE);
    world.addReadyPod({ address: '10.0.0.3' });
    change(world, 0, deleted);
    return world;
  }

  test('is weight 0 for a deletion', () => {
    expect(contended().plan()?.write?.kind).toBe('weights');
  });

  test('is weight 0 for a deletion even before what has waited long', () => {
    const world = serving(2, ONE_RULE);
    world.addReadyPod({ address: '10.0.0.3' });
    world.plan();
    world.advance(DEFAULT_PLAN_LIMITS.agingMs * 4);
    change(world, 0, deleted);
    expect(world.plan()?.write?.kind).toBe('weights');
  });

  test('is the dead before the drained, and both travel together', () => {
    const world = serving(3, ONE_RULE);
    change(world, 0, deleted);
    change(world, 1, deleted);
    world.settle();
    world.hook(0, 'begun');
    world.hook(0, 'connections-ended');
    change(world, 1, exited);
    world.finish(1);
    world.reportOne(1);
    const evidence = world.plan()?.write?.operations.map(o => (o.kind === 'deregister' ? o.evidence : o.kind));
    expect(evidence).toEqual(['gone', 'connections-ended']);
  });
});

describe('the brake', () => {
  function operation(fields: TargetChange): TargetOperation {
    const place = { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80 };
    return { ...fields, key: 'k', place, ruleId: 'rule', podUid: 'pod-1' };
  }

  test('is charged for weak closings that were sent, and for nothing else', () => {
    const operations = [
      operation({ kind: 'close', evidence: 'unready' }),
      operation({ kind: 'close', evidence: 'deletion' }),
      operation({ kind: 'close', evidence: 'exit' }),
      operation({ kind: 'open', weight: 10 }),
    ];
    const write = { kind: 'weights', operations, urgent: true } as const;
    expect(chargeWrite(EMPTY_MEMORY, write, DEFAULT_PLAN_LIMITS.brake, 5).brake.get('rule')).toEqual([5]);
  });
});

test('a plan says when to look again though nothing happened: when the brake eases', () => {
  const world = serving(3, ONE_RULE);
  change(world, 0, unready);
  change(world, 1, unready);
  const sentAt = world.now;
  world.settle();
  expect(world.plan()?.lookAgainAt).toBe(sentAt + DEFAULT_PLAN_LIMITS.brake.windowMs);
});

test('a target that nobody vouches for is named to be proven, and nothing happens to it (L1)', () => {
  const world = serving(1, ONE_RULE);
  world.newLeader();
  world.read();
  const plan = world.plan();
  expect(plan?.orphans.map(orphan => orphan.mark.podUid)).toEqual(['pod-1']);
  expect(plan?.write).toBeUndefined();
});
