import { expect, test } from 'vitest';
import { alike, deedsOf, gapsOf } from './moment.ts';

const moments = [
  { what: 'web exited 0', atMs: 4_000 },
  { what: 'web TERM', atMs: 3_000 },
  { what: 'side TERM', atMs: 3_500 },
  { what: 'web started', atMs: 1_000 },
  { what: 'web started', atMs: 9_000 },
];

test('a gap is from one moment to another, and what happens again is numbered', () => {
  const gaps = gapsOf(moments, [
    ['web started', 'web TERM'],
    ['web started', 'web started #2', 'loose'],
    ['web TERM', 'gone'],
  ]);
  expect(Object.values(gaps).map(({ ms }) => ms)).toEqual([2_000, 8_000, 'none']);
});

test('the deeds of each container are in order and without those of others', () => {
  const web = ['started', 'TERM', 'exited 0', 'started'];
  expect(deedsOf(moments, ['web', 'side'])).toEqual({ web, side: ['TERM'] });
});

test('gaps that are near enough are the same, a missing one is not', () => {
  const of = (...times: readonly (number | 'none')[]) =>
    Object.fromEntries(times.map((ms, at) => [`gap ${at}`, { ms, withinMs: 1_000 }]));
  expect(alike(of(1_000, 1_000, 1_000), of(2_000, 3_000, 'none'))).toEqual(of(1_000, 3_000, 'none'));
});
