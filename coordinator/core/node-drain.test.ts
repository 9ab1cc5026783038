import { describe, expect, test } from 'vitest';
import { CoreWorld } from '../../test/property/core-world.ts';
import { deleted, exited, ready, restarted } from '../../test/property/pod-changes.ts';
import { SWITCH_MS } from './switch.ts';

const ONE_RULE = [{ port: 80, app: 'web' }];
const MINUTE_MS = 60_000;

/** Pods that serve on the rule, each on its node; `pod-1` is the first one's. */
function servingOn(...nodes: readonly string[]): CoreWorld {
  const world = new CoreWorld(ONE_RULE);
  for (const [index, node] of nodes.entries()) world.addReadyPod({ node, address: `10.0.0.${index + 1}` });
  world.settle();
  world.allHealthy();
  return world;
}

function openPods(world: CoreWorld): string[] {
  return [...world.cloud].filter(([, bound]) => bound.weight > 0).map(([key]) => world.ownerOf(key) ?? '');
}

function settled(world: CoreWorld): string[] {
  world.settle();
  return openPods(world);
}

function holds(world: CoreWorld): string[] {
  return (world.plan()?.holds ?? []).map(hold => `${hold.reason} ${hold.podUid}`);
}

describe('the targets of a node whose end is announced', () => {
  test('leave in one write, as many as the brake lets go, and the rest a minute later (L2)', () => {
    const world = servingOn(...Array<string>(3).fill('n1'), ...Array<string>(7).fill('n2'));
    world.announce('n1', 'shutdown');
    expect(world.plan()?.write?.operations.map(({ kind, podUid }) => `${kind} ${podUid}`)).toEqual([
      'close pod-1',
      'close pod-2',
    ]);
    world.settle();
    expect(holds(world)).toEqual(['brake pod-3']);
    world.advance(MINUTE_MS);
    expect(settled(world)).not.toContain('pod-3');
  });

  test('stay where the sign is none to act on', () => {
    const world = servingOn('n1', 'n2');
    world.announce('n1', 'cordoned');
    expect(world.plan()?.write).toBeUndefined();
  });

  test('serve again when the sign goes away', () => {
    const world = servingOn('n1', 'n2');
    world.announce('n1', 'shutdown');
    expect(settled(world)).toEqual(['pod-2']);
    world.announce('n1');
    expect(settled(world)).toEqual(['pod-1', 'pod-2']);
  });

  test('wait for what starts in their place to serve, but not for ever', () => {
    const world = servingOn('n1', 'n2');
    world.addPod({ node: 'n2', address: '10.0.0.9', app: 'web' });
    world.reportOne(2);
    world.announce('n1', 'shutdown');
    world.settle();
    expect(holds(world)).toEqual(['replacements-not-serving pod-1']);
    world.advance(SWITCH_MS);
    expect(settled(world)).toEqual(['pod-2']);
  });

  test('leave unbraked as far as others have come to serve in their place', () => {
    const world = servingOn('n1', 'n1', 'n1');
    world.announce('n1', 'shutdown');
    world.settle();
    for (const address of ['10.0.0.7', '10.0.0.8', '10.0.0.9']) world.addReadyPod({ node: 'n2', address });
    world.settle();
    world.allHealthy();
    expect(settled(world)).toEqual(['pod-4', 'pod-5', 'pod-6']);
  });

  test('all serve on while nothing stands on another node (L2)', () => {
    const world = servingOn('n1', 'n1');
    world.announce('n1', 'shutdown');
    expect(settled(world)).toEqual(['pod-1', 'pod-2']);
  });

  test('come back when what stood on other nodes fails or leaves (L2)', () => {
    const world = servingOn('n1', 'n2');
    world.announce('n1', 'shutdown');
    expect(settled(world)).toEqual(['pod-2']);
    world.change(1, deleted);
    world.reportOne(1);
    expect(world.plan()?.write?.operations).toMatchObject([{ kind: 'open', podUid: 'pod-1' }]);
    expect(holds(world)).toEqual(['last-open-target pod-2']);
    world.settle();
    world.allHealthy();
    expect(settled(world)).toEqual(['pod-1']);
  });

  test('do not come back because a new leader has not read any health yet', () => {
    const world = servingOn('n1', 'n2');
    world.announce('n1', 'shutdown');
    world.settle();
    world.newLeader();
    for (const node of ['n1', 'n2']) world.snapshot(node, true);
    world.announce('n1', 'shutdown');
    world.read();
    expect(world.plan()?.operations).toEqual([]);
  });

  test('go the way of every deletion and exit on top of it', () => {
    const world = servingOn('n1', 'n1', 'n2', 'n2');
    world.announce('n1', 'shutdown');
    world.settle();
    world.change(1, deleted);
    world.reportOne(1);
    expect(settled(world)).toEqual(['pod-3', 'pod-4']);
    world.hook(1, 'connections-ended');
    expect(world.plan()?.write?.operations).toMatchObject([{ kind: 'deregister', podUid: 'pod-2' }]);
  });

  test('are not joined by new ones: a container that comes back there is not opened', () => {
    const world = servingOn('n1', 'n2', 'n2');
    world.announce('n1', 'shutdown');
    for (const edit of [exited, restarted, ready]) {
      world.change(0, edit);
      world.reportOne(0);
      world.settle();
    }
    world.addReadyPod({ node: 'n1', address: '10.0.0.9' });
    expect(settled(world)).toEqual(['pod-2', 'pod-3']);
    expect(world.cloud.size).toBe(3);
  });
});

describe('the targets of a node that nobody reaches', () => {
  test('leave at once: what cannot serve waits for nobody to take over', () => {
    const world = servingOn('n1', 'n2', 'n2');
    world.addPod({ node: 'n2', address: '10.0.0.9', app: 'web' });
    world.reportOne(3);
    world.judge('n1', true);
    expect(world.plan()?.write?.operations).toMatchObject([
      { kind: 'close', evidence: 'unreachable', podUid: 'pod-1' },
    ]);
  });

  test('leave under a leader that has had none of them confirmed', () => {
    const world = servingOn('n1', 'n2');
    world.newLeader();
    for (const node of ['n1', 'n2']) world.snapshot(node, true);
    world.judge('n1', true);
    expect(settled(world)).toEqual(['pod-2']);
  });

  test('leave as many as the brake lets go, and are never deregistered for it (L2)', () => {
    const world = servingOn(...Array<string>(3).fill('n1'), ...Array<string>(7).fill('n2'));
    world.judge('n1', true);
    world.settle();
    expect(holds(world)).toEqual(['brake pod-3']);
    world.advance(MINUTE_MS);
    world.settle();
    expect(openPods(world)).toHaveLength(7);
    expect(world.cloud.size).toBe(10);
  });

  test('do not count as what is left when the last target elsewhere is to be held for its replacement (L2)', () => {
    const world = servingOn('n1', 'n2');
    world.judge('n1', true);
    world.addPod({ node: 'n2', address: '10.0.0.9', app: 'web' });
    world.reportOne(2);
    world.change(1, deleted);
    world.reportOne(1);
    expect(holds(world)).toContain('last-open-target pod-2');
    expect(settled(world)).toContain('pod-2');
  });

  test('all serve on while nothing stands on another node (L2)', () => {
    const world = servingOn('n1', 'n1');
    world.judge('n1', true);
    expect(settled(world)).toEqual(['pod-1', 'pod-2']);
  });

  test('serve again as soon as somebody reaches it', () => {
    const world = servingOn('n1', 'n2');
    world.judge('n1', true);
    world.settle();
    world.judge('n1', false);
    expect(settled(world)).toEqual(['pod-1', 'pod-2']);
  });
});

describe('while nobody tells of a node, its targets', () => {
  test('stay open that are open', () => {
    const world = servingOn('n1', 'n2');
    world.doubt('n1');
    expect(world.plan()?.operations).toEqual([]);
  });

  test('stay closed that the leader before has closed', () => {
    const world = servingOn('n1', 'n2');
    world.judge('n1', true);
    world.settle();
    world.newLeader();
    for (const [index, node] of ['n1', 'n2'].entries()) {
      world.snapshot(node, true);
      world.confirm(index);
    }
    expect(settled(world)).toEqual(['pod-2']);
    world.judge('n1', true);
    expect(settled(world)).toEqual(['pod-2']);
  });

  test('are not joined by new ones, which are registered when it is over', () => {
    const world = servingOn('n1', 'n2');
    world.doubt('n1');
    world.addReadyPod({ node: 'n1', address: '10.0.0.9' });
    world.settle();
    expect(world.cloud.size).toBe(2);
    world.judge('n1', false);
    expect(settled(world)).toEqual(['pod-1', 'pod-2', 'pod-3']);
  });
});
