import { expect, test } from 'vitest';
import { serving } from '../../test/property/core-world.ts';
import { TargetHistory } from './target-history.ts';

test('tells since when a target is in its state, and begins anew when the state changes', () => {
  const world = serving(1);
  const history = new TargetHistory();
  const rules = () => [...(world.plan()?.rules.values() ?? [])];
  const key = rules()[0]?.state.targets[0]?.key ?? '';
  history.observe(rules(), 1_000);
  history.observe(rules(), 5_000);
  expect(history.since(key)).toBe(1_000);
  world.health(0, 'unhealthy');
  world.read();
  history.observe(rules(), 9_000);
  expect(history.since(key)).toBe(9_000);
});

test('tells since when a target is otherwise than wanted, whatever is tried meanwhile', () => {
  const world = serving(1);
  const history = new TargetHistory();
  const observe = (now: number) => history.observe(world.plan()?.rules.values() ?? [], now);
  observe(1_000);
  expect([...history.mismatched()]).toEqual([]);
  world.cloud.clear();
  world.read();
  observe(2_000);
  world.advance(1);
  observe(9_000);
  const [first] = history.mismatched();
  expect(first).toEqual({ kind: 'missing', since: 2_000 });
});

test('a target that law L2 keeps in is as it should be', () => {
  const world = serving(1);
  const history = new TargetHistory();
  world.change(0, record => ({ ...record, ready: false }));
  world.reportOne(0);
  const plan = world.plan();
  expect(plan?.holds).not.toEqual([]);
  history.observe(plan?.rules.values() ?? [], 1_000);
  expect([...history.mismatched()]).toEqual([]);
});

test('counts targets by where they stand, and the open ones that are unhealthy', () => {
  const world = serving(2);
  const history = new TargetHistory();
  world.health(0, 'unhealthy');
  world.read();
  history.observe(world.plan()?.rules.values() ?? [], 1_000);
  const states = [...history.counts()].map(counts => Object.fromEntries(counts.states));
  expect(states).toEqual([{ Serving: 1, Opening: 1 }, { Serving: 2 }]);
  expect([...history.counts()].map(({ unhealthy }) => unhealthy)).toEqual([1, 0]);
});

test('forgets a target that is gone', () => {
  const world = serving(1);
  const history = new TargetHistory();
  const rules = [...(world.plan()?.rules.values() ?? [])];
  history.observe(rules, 1_000);
  history.observe([], 2_000);
  expect(history.since(rules[0]?.state.targets[0]?.key ?? '')).toBeUndefined();
});
