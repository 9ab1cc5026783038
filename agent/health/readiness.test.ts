import { expect, test } from 'vitest';
import { missingToBeReady } from './readiness.ts';

test('an agent that knows its Pods and is led their calls is ready', () => {
  expect(missingToBeReady({ isListed: true, isRedirected: true })).toEqual([]);
});

test('each thing that is missing is named', () => {
  expect(missingToBeReady({ isListed: false, isRedirected: false })).toEqual([
    'the Pods of this node are not listed yet',
    'the node does not lead preStop calls to this agent',
  ]);
});
