import { expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { ADOPTED_LISTENERS_ANNOTATION, LOAD_BALANCERS_ANNOTATION } from '../../common/names.ts';
import { adoptedListeners, recordAnnotations, recordedLoadBalancers } from './load-balancer-record.ts';

test('what is written is read again', () => {
  const record = {
    loadBalancers: ['lb-a', 'lb-b'],
    adoptedListeners: [{ loadBalancerId: 'lb-a', listenerId: 'lbl-x' }],
  };
  const written = recordAnnotations(record, DEFAULT_INSTANCE) as Record<string, string>;
  expect(written).toEqual({ [LOAD_BALANCERS_ANNOTATION]: 'lb-a,lb-b', [ADOPTED_LISTENERS_ANNOTATION]: 'lb-a/lbl-x' });
  expect(recordedLoadBalancers(written, DEFAULT_INSTANCE)).toEqual(record.loadBalancers);
  expect(adoptedListeners(written, DEFAULT_INSTANCE)).toEqual(record.adoptedListeners);
});

test('an empty record takes the annotations off', () => {
  expect(recordAnnotations({ loadBalancers: [], adoptedListeners: [] }, DEFAULT_INSTANCE)).toEqual({
    [LOAD_BALANCERS_ANNOTATION]: null,
    [ADOPTED_LISTENERS_ANNOTATION]: null,
  });
});

test.each([
  ['no annotation', undefined, []],
  ['spaces and an empty entry', ' lb-a , ,lb-b', ['lb-a', 'lb-b']],
  ['one twice', 'lb-a,lb-a', ['lb-a']],
  ['an entry of the other kind', 'lb-a/lbl-x,lb-b', ['lb-b']],
])('reads %s', (_, value, expected) => {
  expect(
    recordedLoadBalancers(value === undefined ? {} : { [LOAD_BALANCERS_ANNOTATION]: value }, DEFAULT_INSTANCE),
  ).toEqual(expected);
});

test.each(['lb-a', 'lb-a/', '/lbl-x', 'lb-a/lbl-x/loc-y'])('passes over %s as an adopted listener', value => {
  expect(adoptedListeners({ [ADOPTED_LISTENERS_ANNOTATION]: value }, DEFAULT_INSTANCE)).toEqual([]);
});
