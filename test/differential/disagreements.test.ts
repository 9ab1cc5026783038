import { expect, test } from 'vitest';
import { disagreements } from './disagreements.ts';
import { normalise } from './normalise.ts';

test('disagreements name the path and both values, of lists too', () => {
  expect(disagreements({ a: [1, { b: 2 }], c: 'x' }, { a: [1, { b: 3 }], d: null, c: 'x' })).toEqual([
    { path: 'a.1.b', sandbox: '2', real: '3' },
    { path: 'd', sandbox: '', real: 'null' },
  ]);
});

test('a list is no object, and equal values agree', () => {
  expect(disagreements([], {})).toHaveLength(1);
  expect(disagreements({ a: [{ b: null }] }, { a: [{ b: null }] })).toEqual([]);
});

test('what a server draws for itself is masked, that it is there is not', () => {
  const answer = { uid: 'x', resourceVersion: '', message: 'since 2026-11-22T02:00:00Z', name: 'g-b2c4d' };
  expect(normalise(answer)).toEqual({
    uid: '<uid>',
    resourceVersion: '',
    message: 'since <moment>',
    name: 'g-<generated>',
  });
});
