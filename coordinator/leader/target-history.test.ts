import { expect, test } from 'vitest';
import { serving } from '../../test/property/core-world.ts';
import { TargetHistory } from './target-history.ts';

test('tells since when a target is in its state, and begins anew when the state changes', () => {
  const world = serving(1);
  const history = new TargetHistory();
  const states = () => world.plan()?.states ?? [];
  const key = states()[0]?.targets[0]?.key ?? '';
  history.observe(states(), 1_000);
  history.observe(states(), 5_000);
  expect(history.since(key)).toBe(1_000);
  world.health(0, 'unhealthy');
  world.read();
  history.observe(states(), 9_000);
  expect(history.since(key)).toBe(9_000);
});

test('forgets a target that is gone', () => {
  const world = serving(1);
  const history = new TargetHistory();
  const states = world.plan()?.states ?? [];
  history.observe(states, 1_000);
  history.observe([], 2_000);
  expect(history.since(states[0]?.targets[0]?.key ?? '')).toBeUndefined();
});
