import { expect, test } from 'vitest';
import type { PodMoments } from './pod-moments.ts';
import { stepTimesTable } from './step-times.ts';

const drained: PodMoments = {
  pod: 'web-a',
  address: '10.244.1.4',
  preStopAtMs: 1_000,
  preStopEndedAtMs: 5_000,
  preStopOutcome: 'completed',
  weightZeroAtMs: 1_200,
  connectionsAtWeightZero: 1,
  lastOpenedAtMs: 1_300,
  lastClosedAtMs: 4_000,
  deregisteredAtMs: 4_500,
  cutConnections: 0,
  forwardersFollowed: 2,
  terminatedAtMs: 5_010,
  exitedAtMs: 5_030,
};

const rowsOf = (table: string) =>
  Object.fromEntries(
    table
      .split('\n')
      .map(line => line.split(/ {2,}/))
      .map(([name, ...cells]) => [name, cells]),
  );

test('tells how long each step took, at least, at most and between', () => {
  const early = { ...drained, weightZeroAtMs: 950 };
  const rows = rowsOf(stepTimesTable([drained, drained, early]));
  expect(rows['preStop → weight 0']).toEqual(['3', '-0.050', '0.200', '0.200', '0.200', '0.200']);
  expect(rows['last connection → deregistered']).toEqual(['3', '0.500', '0.500', '0.500', '0.500', '0.500']);
  expect(rows['SIGTERM → exit']?.at(-1)).toBe('0.020');
});

test('counts the end of connections that had all ended before weight 0 as that moment', () => {
  const idle = { ...drained, lastClosedAtMs: 800 };
  expect(rowsOf(stepTimesTable([idle]))['weight 0 → last connection']).toEqual(['1', ...Array(5).fill('0.000')]);
});

test('tells Pods whose connections outlived the drain apart, since they are deregistered after their exit', () => {
  const outlived = { ...drained, lastClosedAtMs: 5_020, deregisteredAtMs: 6_030 };
  const table = stepTimesTable([drained, outlived]);
  expect(rowsOf(table)['exit → deregistered']).toEqual(['1', ...Array(5).fill('1.000')]);
  expect(rowsOf(table)['deregistered → preStop ended']?.[0]).toBe('1');
});
