import { describe, expect, test } from 'vitest';
import { ContainerState, PodPhase } from '../../common/pod-record.ts';
import { factsOf, isTerminal, withFacts } from './lasting-facts.ts';
import { container, podRecord } from './pod.fixture.ts';

test('a Pod that has succeeded or failed is terminal', () => {
  expect([PodPhase.SUCCEEDED, PodPhase.FAILED].every(phase => isTerminal(podRecord({ phase })))).toBe(true);
  expect(
    [PodPhase.PENDING, PodPhase.RUNNING, PodPhase.UNSPECIFIED].some(phase => isTerminal(podRecord({ phase }))),
  ).toBe(false);
});

describe('what lasts of a record', () => {
  test('is nothing while the Pod runs, and then the record stays the same object', () => {
    const record = podRecord();
    expect(factsOf(record)).toBeUndefined();
    expect(withFacts(record, undefined)).toBe(record);
  });

  test('is that the Pod has ended: whoever still calls it running gives it no address', () => {
    const facts = factsOf(podRecord({ phase: PodPhase.FAILED, addresses: [] }));
    expect(withFacts(podRecord(), facts)).toMatchObject({ phase: PodPhase.FAILED, addresses: [], ready: false });
  });

  test('is not an exit of a container that never had an id', () => {
    const nameless = { ...container('main', ContainerState.EXITED), containerId: '' };
    expect(factsOf(podRecord({ containers: [nameless] }))).toBeUndefined();
  });
});
