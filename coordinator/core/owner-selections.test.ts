import { expect, test } from 'vitest';
import { OwnerSelections } from './owner-selections.ts';
import { podRecord } from './pod.fixture.ts';

const pod = (uid: string, app: string) => podRecord({ uid, labels: { app } });
const PODS = [pod('a', 'web'), pod('b', 'api'), pod('c', 'other')];
const owner = (...apps: string[]) => ({ uid: 'i', namespace: 'default', selectors: apps.map(app => ({ app })) });

function selections(...apps: string[]): OwnerSelections {
  const made = new OwnerSelections();
  for (const each of PODS) made.setPod(each);
  made.setOwners([owner(...apps)], PODS);
  return made;
}

test('an owner of several selectors has the Pods of all of them, and each selector its own', () => {
  const made = selections('web', 'api');
  expect([...made.podsOf('i')]).toEqual(['a', 'b']);
  const selected = made.podsSelectedBy({ uid: 'i', namespace: 'default', selector: { app: 'api' } });
  expect([...(selected ?? [])]).toEqual(['b']);
  expect([...made.ownersOf('b')]).toEqual(['i']);
});

test('a selector that the owner does not have is not answered for', () => {
  const made = selections('web', 'api');
  expect(made.podsSelectedBy({ uid: 'i', namespace: 'default', selector: { app: 'other' } })).toBeUndefined();
});

test('a selector that goes takes its Pods along', () => {
  const made = selections('web', 'api', 'other');
  made.setOwners([owner('web')], PODS);
  expect([...made.podsOf('i')]).toEqual(['a']);
  expect([...made.ownersOf('c')]).toEqual([]);
  made.setOwners([owner()], PODS);
  expect([...made.podsOf('i')]).toEqual([]);
  expect([...made.ownersOf('a')]).toEqual([]);
});

test('an owner that goes selects nothing any more', () => {
  const made = selections('web', 'api');
  made.removeOwner('i');
  expect([...made.ownersOf('a'), ...made.ownersOf('b')]).toEqual([]);
});

test('a Pod that goes is told to its owners', () => {
  const made = selections('web', 'api');
  expect([...made.removePod('b')]).toEqual(['i']);
  expect([...made.podsOf('i')]).toEqual(['a']);
});
