import { expect, test } from 'vitest';
import { Confirmations } from './confirmations.ts';
import { podRecord } from './core/pod.fixture.ts';
import { ReportStore } from './core/report-store.ts';

function reported(...pods: ReturnType<typeof podRecord>[]) {
  const store = new ReportStore();
  store.replace('n1', pods, { consistent: true, now: 0 });
  return store.pods;
}

test('a Pod stays confirmed while its agent reports of it what was confirmed', () => {
  const confirmations = new Confirmations();
  confirmations.add(podRecord());
  expect(confirmations.current(reported(podRecord({ ready: false }), podRecord({ uid: 'pod-2' })))).toEqual(
    new Set(['pod-1']),
  );
});

test.each([
  ['another address', podRecord({ addresses: ['10.0.0.2'] })],
  ['one more address', podRecord({ addresses: ['10.0.0.1', '10.0.0.2'] })],
  ['other labels', podRecord({ labels: { app: 'other' } })],
])(
  'a Pod that is reported with %s is no longer confirmed, not even when the old ones come back (L12)',
  (_, changed) => {
    const confirmations = new Confirmations();
    confirmations.add(podRecord());
    expect(confirmations.current(reported(changed)).size).toBe(0);
    expect(confirmations.current(reported(podRecord())).size).toBe(0);
  },
);

test('a Pod that nobody reports is forgotten', () => {
  const confirmations = new Confirmations();
  confirmations.add(podRecord());
  expect(confirmations.current(reported()).size).toBe(0);
  expect(confirmations.current(reported(podRecord())).size).toBe(0);
});
