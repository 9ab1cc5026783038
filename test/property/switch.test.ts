import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CoreWorld, serving } from './core-world.ts';
import { ready } from './pod-changes.ts';

const ONE_RULE = [{ port: 80, app: 'web' }];

/** Pods and binding come up one after another, in any order, with the lane at work in between. */
type Event = { readonly kind: 'ready' | 'healthy' | 'work'; readonly index: number };

const events = fc.array(
  fc.record({ kind: fc.constantFrom<Event['kind']>('ready', 'healthy', 'work'), index: fc.nat({ max: 20 }) }),
  { maxLength: 60 },
);

function openInCloud(world: CoreWorld): number {
  return [...world.cloud.values()].filter(bound => bound.weight > 0 && bound.health === 'healthy').length;
}

function happen(world: CoreWorld, { kind, index }: Event, old: number): void {
  const fresh = old + (index % Math.max(1, world.pods.length - old));
  if (kind === 'ready') {
    world.change(fresh, ready);
    world.reportOne(fresh);
  } else if (kind === 'healthy') {
    world.health(index, 'healthy');
  }
  world.read();
  const write = world.plan()?.write;
  if (write) world.send(write, 'done');
  world.advance(100);
}

function finish(world: CoreWorld): void {
  world.settle();
  world.allHealthy();
  world.settle();
}

describe('a switch to at least as many targets', () => {
  test('by a selector never leaves fewer open than before, and ends as soon as the new ones serve', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat({ max: 4 }), events, (old, more, run) => {
        const world = serving(old, ONE_RULE);
        for (let index = 0; index < old + more; index += 1) {
          world.addPod({ node: 'n1', address: `10.0.1.${index}`, app: 'next' });
          world.reportOne(old + index);
          world.confirm(old + index);
        }
        world.editRule(0, { selector: { app: 'next' } });
        for (const event of run) {
          happen(world, event, old);
          expect(openInCloud(world)).toBeGreaterThanOrEqual(old);
        }
        for (let index = old; index < world.pods.length; index += 1) {
          world.change(index, ready);
          world.reportOne(index);
        }
        finish(world);
        const serves = [...world.cloud].filter(([, bound]) => bound.weight > 0).map(([key]) => world.ownerOf(key));
        expect(new Set(serves)).toEqual(new Set(world.pods.slice(old).map(pod => pod.record.uid)));
      }),
      { numRuns: 300 },
    );
  });

  test('of the target port never leaves fewer open than before, and ends as soon as the new ports serve', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), events, (count, run) => {
        const world = serving(count, ONE_RULE);
        world.editRule(0, { targetPort: 8080 });
        for (const event of run) {
          happen(world, event, 0);
          expect(openInCloud(world)).toBeGreaterThanOrEqual(count);
        }
        finish(world);
        const ports = [...world.cloud.values()].filter(bound => bound.weight > 0).map(bound => bound.port);
        expect(ports).toEqual(Array<number>(count).fill(8080));
      }),
      { numRuns: 300 },
    );
  });
});
