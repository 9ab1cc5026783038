import { describe, expect, test } from 'vitest';
import { planReplicaSet } from './plan-replica-set.ts';
import { FIXTURE_NOW_MS, podFixture, replicaSetFixture } from './workload-fixtures.ts';

function plan(replicas: number, pods: ReturnType<typeof podFixture>[], minReadySeconds = 0) {
  const replicaSet = replicaSetFixture(replicas, minReadySeconds);
  return planReplicaSet({ replicaSet, pods, relatedPods: pods, nowMs: FIXTURE_NOW_MS });
}

const victimsOf = (replicas: number, pods: ReturnType<typeof podFixture>[]) =>
  plan(replicas, pods).victims.map(({ metadata }) => metadata.name);

test('Pods that end or are being deleted are replaced', () => {
  const pods = [
    podFixture({ name: 'a', readyForMs: 1 }),
    podFixture({ name: 'b', phase: 'Failed' }),
    podFixture({ name: 'c', deleted: true }),
  ];
  expect(plan(3, pods).createCount).toBe(2);
});

describe('a scale-in gives up', () => {
  test.each([
    {
      rule: 'the Pod without a node first',
      pods: [podFixture({ name: 'bound', nodeName: 'n1' }), podFixture({ name: 'free', phase: 'Pending' })],
      victim: 'free',
    },
    {
      rule: 'the Pod that is not ready',
      pods: [podFixture({ name: 'ready', nodeName: 'n1', readyForMs: 9 }), podFixture({ name: 'not', nodeName: 'n2' })],
      victim: 'not',
    },
    {
      rule: 'a Pod of the most crowded node',
      pods: [
        podFixture({ name: 'alone', nodeName: 'n1', readyForMs: 1_000 }),
        podFixture({ name: 'crowded', nodeName: 'n2', readyForMs: 900_000 }),
        podFixture({ name: 'crowd', nodeName: 'n2', readyForMs: 9_000_000 }),
      ],
      victim: 'crowded',
    },
    {
      rule: 'the Pod that became ready last',
      pods: [
        podFixture({ name: 'old', nodeName: 'n1', readyForMs: 900_000 }),
        podFixture({ name: 'new', nodeName: 'n2', readyForMs: 1_000 }),
      ],
      victim: 'new',
    },
    {
      rule: 'the Pod that restarted more often',
      pods: [
        podFixture({ name: 'stable', nodeName: 'n1', readyForMs: 1_000 }),
        podFixture({ name: 'restarted', nodeName: 'n2', readyForMs: 1_000, restarts: 3 }),
      ],
      victim: 'restarted',
    },
  ])('$rule', ({ pods, victim }) => {
    expect(victimsOf(pods.length - 1, pods)).toEqual([victim]);
  });
});

test('a Pod counts as available after it has been ready for minReadySeconds, and is looked at again then', () => {
  const pods = [podFixture({ name: 'a', readyForMs: 12_000 }), podFixture({ name: 'b', readyForMs: 4_000 })];
  const { status, recheckAfterMs } = plan(2, pods, 10);
  expect(status).toMatchObject({ replicas: 2, readyReplicas: 2, availableReplicas: 1, observedGeneration: 4 });
  expect(recheckAfterMs).toBe(6_000);
});
