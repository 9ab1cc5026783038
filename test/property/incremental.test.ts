import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PodView } from '../../coordinator/core/cluster-view.ts';
import { type LanePlan, planLane, rulesOf } from '../../coordinator/core/lane-plan.ts';
import { selects } from '../../coordinator/core/rule.ts';
import { anyRun } from './core-steps.ts';
import { type CoreWorld, serving } from './core-world.ts';

/** What is known of every Pod, as far as planning asks. */
type Facts = ReadonlyMap<string, { readonly pod: PodView | undefined; readonly isBuried: boolean }>;

function factsOf(world: CoreWorld): Facts {
  const view = world.view();
  return new Map(
    world.pods.map(({ record: { uid } }) => [
      uid,
      { pod: view.pods.get(uid), isBuried: view.tombstone(uid) !== undefined },
    ]),
  );
}

/** As a leader does it: the rules in which a changed Pod has a part, and those that select it now. */
function dirtyRules(world: CoreWorld, previous: LanePlan, facts: { before: Facts; after: Facts }): Set<string> {
  const changed = [...facts.after].filter(([uid, fact]) => !isDeepStrictEqual(facts.before.get(uid), fact));
  const dirty = rulesOf(previous, new Set(changed.map(([uid]) => uid)));
  for (const [, { pod }] of changed) {
    for (const rule of world.rules) if (pod && selects(rule, pod.record)) dirty.add(rule.id);
  }
  return dirty;
}

test('a plan that takes over the rules to which nothing happened is the one that works out all of them', () => {
  fc.assert(
    fc.property(anyRun, run => {
      const world = serving(run.serving);
      let before = factsOf(world);
      for (const [{ run: happen }, outcome] of run.steps) {
        happen(world);
        if (!world.lane.observed) continue;
        const { previous } = world;
        const input = world.planInput();
        const after = factsOf(world);
        const dirty = previous ? dirtyRules(world, previous, { before, after }) : 'all';
        const plan = planLane({ ...input, dirty });
        expect(plan).toEqual(planLane({ ...input, dirty: 'all' }));
        before = after;
        world.previous = plan;
        if (plan.write) world.send(plan.write, outcome);
      }
    }),
    { numRuns: 500 },
  );
});

test('a rule to which nothing happened is taken over as it is, and only Pods whose targets changed are named', () => {
  const world = serving(3);
  const before = world.plan();
  const stays = before?.rules.get('s1/TCP/81');
  world.health(0, 'unhealthy');
  world.read();
  const after = planLane({ ...world.planInput(), dirty: new Set() });
  expect(after.rules.get('s1/TCP/81')).toBe(stays);
  expect(after.rules.get('s0/TCP/80')).not.toBe(before?.rules.get('s0/TCP/80'));
  expect([...after.touched]).toEqual(['pod-1']);
});
