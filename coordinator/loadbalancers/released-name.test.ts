import { expect, test } from 'vitest';
import { keptName, releasedName } from './released-name.ts';

test('a name that was marked is found again', () => {
  const marked = releasedName('clb-direct-1a2b3c4d-5e6f7a8b') ?? '';
  expect(marked).toBe('released-clb-direct-1a2b3c4d-5e6f7a8b');
  expect(keptName(marked)).toBe('clb-direct-1a2b3c4d-5e6f7a8b');
});

test('a name is marked once', () => {
  expect(releasedName('released-web')).toBeUndefined();
  expect(keptName('web')).toBeUndefined();
});

test('a long name is cut to what CLB takes', () => {
  expect(releasedName('a'.repeat(60))).toHaveLength(60);
});

test('a load balancer is never left without a name', () => {
  expect(keptName('released-')).toBeUndefined();
});
