import { beforeEach, expect, test } from 'vitest';
import { podRecord } from '../core/pod.fixture.ts';
import { Confirmations } from './confirmations.ts';

let confirmations: Confirmations;
beforeEach(() => {
  confirmations = new Confirmations();
  confirmations.add(podRecord());
});

test('a Pod stays confirmed while its agent reports of it what was confirmed', () => {
  expect(confirmations.holdsFor(podRecord({ ready: false }))).toBe(true);
  expect(confirmations.holdsFor(podRecord({ uid: 'pod-2' }))).toBe(false);
});

test.each([
  ['another address', podRecord({ addresses: ['10.0.0.2'] })],
  ['one more address', podRecord({ addresses: ['10.0.0.1', '10.0.0.2'] })],
  ['other labels', podRecord({ labels: { app: 'other' } })],
])(
  'a Pod that is reported with %s is no longer confirmed, not even when the old ones come back (L12)',
  (_, changed) => {
    expect(confirmations.holdsFor(changed)).toBe(false);
    expect(confirmations.holdsFor(podRecord())).toBe(false);
  },
);

test('a Pod that is gone is forgotten', () => {
  confirmations.forget('pod-1');
  expect(confirmations.holdsFor(podRecord())).toBe(false);
});
