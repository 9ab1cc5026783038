import { beforeEach, describe, expect, test } from 'vitest';
import { podRecord } from '../core/pod.fixture.ts';
import { Knowledge } from '../knowledge.ts';
import { PodDesk } from './pod-desk.ts';

let knowledge: Knowledge;
let desk: PodDesk;

beforeEach(() => {
  knowledge = new Knowledge();
  const pods = [podRecord()];
  knowledge.applyReport({ type: 'snapshot', node: 'n1', session: 's', epoch: 'e', pods, consistent: true }, 0);
  desk = new PodDesk({
    knowledge,
    isInPlace: () => true,
    nodes: { signOf: () => undefined, isInDoubt: () => false, isSightAwaited: () => false },
    ports: { confirm: () => undefined, findInstance: () => undefined },
  });
});

function isPlaced(): boolean | undefined {
  desk.refresh('pod-1');
  return desk.view.pods.get('pod-1')?.isPlaced;
}

describe('of a Pod that the API server has not placed, an agent', () => {
  test('is taken at its word when the API server does not answer three times in a row, so that drains go on (L4)', () => {
    for (let failures = 1; failures < 3; failures += 1) {
      desk.notFound('pod-1', 'unanswered');
      expect(isPlaced()).toBe(false);
    }
    desk.notFound('pod-1', 'unanswered');
    expect(isPlaced()).toBe(true);
  });

  test('is taken at its word when the API server has the Pod no more', () => {
    desk.notFound('pod-1', 'nowhere');
    expect(isPlaced()).toBe(true);
  });

  test('has the API server asked anew when the Pod was gone in between, and another node tells of it (L12)', () => {
    desk.notFound('pod-1', 'nowhere');
    knowledge.store.apply('n1', { upserts: [], removals: ['pod-1'] }, 0);
    desk.refresh('pod-1');
    knowledge.store.apply('n2', { upserts: [podRecord()], removals: [] }, 0);
    expect(isPlaced()).toBe(false);
  });
});
