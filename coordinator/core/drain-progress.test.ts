import { describe, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { Drain } from './drain-ledger.ts';
import { drainProgress, type LaneView } from './drain-progress.ts';
import type { Transaction } from './observation.ts';
import { placedRule } from './pod.fixture.ts';
import type { RuleState } from './rule-state.ts';

const DRAIN: Drain = {
  podUid: 'pod-1',
  node: 'n1',
  phase: 'begun',
  begunAt: 0,
  answeredAt: undefined,
  budgetEndsAt: 30_000,
};

/** One rule on which the Pod's target stands with a weight, or does not stand. */
function stateWith(weight: number | undefined, podUid = 'pod-1'): RuleState {
  const mark = { cluster: 'c1', namespace: 'default', name: podUid, podUid };
  const place = { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 8080 };
  const bound = weight === undefined ? undefined : { weight, mark, health: undefined, owner: undefined };
  return {
    rule: placedRule(),
    targets: [{ key: 'lbl-0||10.0.0.1|8080', place, bound, wanted: undefined, transaction: undefined }],
  };
}

function lane(fields: Partial<LaneView>): LaneView {
  return {
    loadBalancerId: 'lb-1',
    virtualAddresses: ['1.2.3.4'],
    observed: true,
    states: [],
    transactions: new Map(),
    ...fields,
  };
}

function moving(podUid: string): ReadonlyMap<string, Transaction> {
  const base = { key: 'k', operation: 'reweight', weight: 0, startedAt: 0, endedAt: 1 } as const;
  return new Map([['k', { ...base, podUid }]]);
}

const WITH_WEIGHT = lane({ states: [stateWith(10)] });
const AT_ZERO = lane({ states: [stateWith(0)] });
const EMPTY = lane({ states: [stateWith(undefined)] });

describe('a drain', () => {
  test.each<[string, readonly LaneView[], string]>([
    ['is only accepted while the Pod has weight anywhere', [AT_ZERO, WITH_WEIGHT], 'accepted'],
    ['is at weight 0 when every rule was read so', [AT_ZERO, EMPTY], 'weight-zero'],
    ['is deregistered when no rule holds the Pod', [EMPTY], 'deregistered'],
    ['is not judged by the targets of other Pods', [lane({ states: [stateWith(10, 'pod-2')] })], 'deregistered'],
    ['is not judged before every load balancer was read (L1)', [AT_ZERO, lane({ observed: false })], 'accepted'],
    [
      'is not judged while a change waits for its read (L8)',
      [{ ...AT_ZERO, transactions: moving('pod-1') }],
      'accepted',
    ],
    ['does not wait for changes of other Pods', [{ ...AT_ZERO, transactions: moving('pod-2') }], 'weight-zero'],
  ])('%s', (_, lanes, state) => {
    expect(drainProgress(DRAIN, lanes, true).state).toBe(state);
  });

  test('is not judged by a new leader that has not found every load balancer yet', () => {
    expect(drainProgress(DRAIN, [], false).state).toBe('accepted');
    expect(drainProgress(DRAIN, [AT_ZERO], false).state).toBe('accepted');
  });

  test('names the ports whose connections count and the addresses that probe them', () => {
    expect(drainProgress(DRAIN, [AT_ZERO, WITH_WEIGHT], true)).toMatchObject({
      podUid: 'pod-1',
      node: 'n1',
      targetPorts: [
        { port: 8080, protocol: Protocol.TCP },
        { port: 8080, protocol: Protocol.TCP },
      ],
      virtualAddresses: ['1.2.3.4'],
    });
  });
});
