import { describe, expect, test } from 'vitest';
import { type CoreWorld, serving } from '../../test/property/core-world.ts';
import { deleted, exited } from '../../test/property/pod-changes.ts';
import { holds, MINUTE_MS, next, ONE_RULE, openPods, tell } from './rule-plan.fixture.ts';
import { CLOSED_DRAIN_MS } from './switch.ts';

describe('a Pod that is gone', () => {
  /** It was deleted by force: nothing else was heard of its end. */
  function vanish(world: CoreWorld, index: number): void {
    world.change(index, deleted);
    world.finish(index);
    world.reportOne(index);
  }

  test('whose target was open has it closed, and removed half a minute later: an heir may have connections (L4)', () => {
    const world = serving(3, ONE_RULE);
    vanish(world, 0);
    expect(next(world)).toEqual(['close pod-1']);
    world.settle();
    expect(next(world)).toEqual([]);
    world.advance(CLOSED_DRAIN_MS);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('or has only ended is treated alike', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, record => exited(deleted(record)));
    expect(next(world)).toEqual(['close pod-1']);
    world.settle();
    expect(next(world)).toEqual([]);
    world.advance(CLOSED_DRAIN_MS);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('whose target was closed before has it removed at once if its containers were seen to end', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, deleted);
    world.settle();
    tell(world, 0, exited);
    vanish(world, 0);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('and whose containers nobody saw end has it removed when it has stood closed for half a minute (L4)', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, deleted);
    world.settle();
    world.advance(10_000);
    vanish(world, 0);
    expect(next(world)).toEqual([]);
    world.advance(CLOSED_DRAIN_MS - 11_000);
    expect(next(world)).toEqual([]);
    world.advance(1_000);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('and was closed by the leader before has it removed half a minute after the new one has seen it (L4)', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, deleted);
    world.settle();
    world.newLeader();
    world.read();
    world.store.provenGone('pod-1', world.now);
    expect(next(world)).toEqual([]);
    world.advance(CLOSED_DRAIN_MS);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('and that a new leader has never heard of but as exited keeps its closed target as long: it may run again (L4)', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, record => exited(deleted(record)));
    world.settle();
    world.newLeader();
    world.read();
    world.snapshot('n1', true);
    world.confirm(0);
    expect(next(world)).toEqual([]);
    world.advance(CLOSED_DRAIN_MS);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('and that the leader before saw end keeps it as long under the new one: it may have been open, and have an heir (L4)', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, deleted);
    world.settle();
    tell(world, 0, exited);
    const { store } = world;
    world.newLeader();
    world.store = store;
    world.read();
    vanish(world, 0);
    world.store.provenGone('pod-1', world.now);
    expect(store.tombstone('pod-1')?.sawEnd).toBe(true);
    expect(next(world)).toEqual([]);
    world.advance(CLOSED_DRAIN_MS);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('keeps its closed target as long as there may be an heir of whom nobody tells, but for five minutes (L4)', () => {
    const world = serving(3, ONE_RULE);
    vanish(world, 0);
    world.settle();
    world.hasUnseenNodes = true;
    world.advance(CLOSED_DRAIN_MS);
    expect([next(world), holds(world)]).toEqual([[], ['unseen-pods pod-1']]);
    expect(world.plan()?.lookAgainAt).toBe(world.now + 1_000);
    world.hasUnseenNodes = false;
    expect(next(world)).toEqual(['deregister pod-1']);
    world.hasUnseenNodes = true;
    world.advance(5 * MINUTE_MS - CLOSED_DRAIN_MS);
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('keeps no target for that which was closed before it was gone', () => {
    const world = serving(3, ONE_RULE);
    tell(world, 0, deleted);
    world.settle();
    tell(world, 0, exited);
    vanish(world, 0);
    world.hasUnseenNodes = true;
    expect(next(world)).toEqual(['deregister pod-1']);
  });

  test('does not count as what is left when the last target of a living one is to be held for its replacement (L2)', () => {
    const world = serving(2, ONE_RULE);
    world.addReadyPod({ address: '10.0.0.9' });
    tell(world, 0, deleted);
    vanish(world, 1);
    expect(world.plan()?.write?.operations).not.toContainEqual(expect.objectContaining({ podUid: 'pod-1' }));
    expect(holds(world)).toEqual(['last-open-target pod-1']);
  });

  test('leaves its open target to the Pod that has its address, without a moment at weight 0 (L5)', () => {
    const world = serving(3, ONE_RULE);
    vanish(world, 0);
    world.addReadyPod({ address: '10.0.0.1' });
    expect(next(world)).toEqual(['adopt pod-4']);
    world.settle();
    expect(openPods(world).sort()).toEqual(['pod-2', 'pod-3', 'pod-4']);
  });
});
