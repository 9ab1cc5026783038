import { expect, test } from 'vitest';
import { scaleOptions } from './options.ts';

test('measures 1,000 nodes, 10,000 Pods and 50 Services unless told otherwise', () => {
  expect(scaleOptions([])?.size).toEqual({ nodes: 1_000, pods: 10_000, services: 50, rolling: 300 });
});

test('follows the number of nodes with everything else', () => {
  expect(scaleOptions(['--nodes=20'])?.size).toEqual({ nodes: 20, pods: 200, services: 2, rolling: 100 });
});

test('takes each size by itself', () => {
  const size = scaleOptions(['--nodes=20', '--pods=100', '--services=5', '--rolling=10'])?.size;
  expect(size).toEqual({ nodes: 20, pods: 100, services: 5, rolling: 10 });
});

test.each([
  [['--nodes=none'], '--nodes "none": use a whole number above 0'],
  [['--pods=10', '--rolling=6'], '--rolling "6": at most half of the 10 Pods'],
  [['--services=1'], '--services "1": at least 2, one of them for the Deployment'],
])('refuses %j', (argv, message) => {
  expect(() => scaleOptions(argv)).toThrow(message);
});
