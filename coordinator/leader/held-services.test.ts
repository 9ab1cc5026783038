import { expect, test } from 'vitest';
import { serviceRecord } from '../service.fixture.ts';
import { HeldServices } from './held-services.ts';

const SERVICE = serviceRecord();
const BEGAN_AT = 100;

test('a Service is held once a list of this term shows it with our finalizer, and until that is off', () => {
  const held = new HeldServices(BEGAN_AT);
  expect(held.listed({ startedAt: BEGAN_AT, objects: [SERVICE] })).toEqual([SERVICE]);
  expect(held.has(SERVICE.uid)).toBe(true);
  expect(held.listed({ startedAt: BEGAN_AT + 1, objects: [SERVICE] })).toEqual([]);
  held.forget(SERVICE.uid);
  expect(held.has(SERVICE.uid)).toBe(false);
});

test.each([
  ['from before this term', { startedAt: BEGAN_AT - 1, objects: [SERVICE] }],
  ['that shows it being deleted', { startedAt: BEGAN_AT, objects: [{ ...SERVICE, deleting: true }] }],
  ['without our finalizer', { startedAt: BEGAN_AT, objects: [{ ...SERVICE, finalized: false }] }],
])('a list %s holds nothing', (_, list) => {
  expect(new HeldServices(BEGAN_AT).listed(list)).toEqual([]);
});

test('a Service is inherited unless this term put our finalizer on it, and again when it was gone meanwhile', () => {
  const held = new HeldServices(BEGAN_AT);
  expect(held.isInherited(SERVICE.uid)).toBe(true);
  held.finalized(SERVICE.uid);
  expect(held.isInherited(SERVICE.uid)).toBe(false);
  held.gone(SERVICE.uid);
  expect(held.isInherited(SERVICE.uid)).toBe(true);
});
