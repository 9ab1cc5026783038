import { expect, test } from 'vitest';
import { podRecord } from '../core/pod.fixture.ts';
import { unreachablePods } from './unreachable-pods.ts';

const SERVICE = { namespace: 'default', name: 'web', uid: 'u1' };
const OFF = { attached: false, reason: 'no mark of an ENI' };

test('Pods without an elastic network interface are told by the first name, how many, why, and what to do', () => {
  const pods = ['web-2', 'web-1'].map(uid => podRecord({ uid, eni: OFF }));
  const found = unreachablePods(SERVICE, [...pods, podRecord()]);
  expect(found?.code).toBe('CD1012');
  expect(found?.message).toMatch(
    /^Service default\/web: Pod web-1 \(and 1 more\) is not .*no mark of an ENI.*annotation/,
  );
});

test.each([
  ['on an ENI', podRecord()],
  ['in the host network, which is bound by its node', podRecord({ hostNetwork: true, eni: OFF })],
  ['without an address yet', podRecord({ addresses: [], eni: OFF })],
  ['on its way out', podRecord({ eni: OFF, deletion: { seenAtMs: 0, gracePeriodSeconds: 30 } })],
])('a Pod %s is no problem', (_, pod) => {
  expect(unreachablePods(SERVICE, [pod])).toBeUndefined();
});
