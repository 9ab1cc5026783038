import { describe, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { Drain } from './drain-ledger.ts';
import { type DrainLane, drainProgress } from './drain-progress.ts';

const DRAIN: Drain = {
  podUid: 'pod-1',
  node: 'n1',
  holders: [],
  phase: 'begun',
  begunAt: 0,
  answeredAt: undefined,
  budgetEndsAt: 30_000,
  heardAt: 0,
};

const WEB = { port: 8080, protocol: Protocol.TCP };

function lane(fields: Partial<DrainLane>): DrainLane {
  return {
    loadBalancerId: 'lb-1',
    virtualAddresses: ['1.2.3.4'],
    observed: true,
    holdings: [],
    moving: false,
    ...fields,
  };
}

const WITH_WEIGHT = lane({ holdings: [{ ...WEB, weight: 10 }] });
const AT_ZERO = lane({ holdings: [{ ...WEB, weight: 0 }] });
const EMPTY = lane({});

describe('a drain', () => {
  test.each<[string, readonly DrainLane[], string]>([
    ['is only accepted while the Pod has weight anywhere', [AT_ZERO, WITH_WEIGHT], 'accepted'],
    ['is at weight 0 when every rule was read so', [AT_ZERO, EMPTY], 'weight-zero'],
    ['is deregistered when no rule holds the Pod', [EMPTY], 'deregistered'],
    ['is not judged before every load balancer was read (L1)', [AT_ZERO, lane({ observed: false })], 'accepted'],
    ['is not judged while a change waits for its read (L8)', [{ ...AT_ZERO, moving: true }], 'accepted'],
  ])('%s', (_, lanes, state) => {
    expect(drainProgress(DRAIN, lanes, true).state).toBe(state);
  });

  test('is not judged by a new leader that has not found every load balancer yet', () => {
    expect(drainProgress(DRAIN, [], false).state).toBe('accepted');
    expect(drainProgress(DRAIN, [AT_ZERO], false).state).toBe('accepted');
  });

  test('waits for nothing on rules that are paused, and says so', () => {
    const paused = lane({ holdings: [{ ...WEB, weight: 10, isPaused: true }] });
    expect(drainProgress(DRAIN, [paused], true)).toMatchObject({ state: 'deregistered', isPaused: true });
    expect(drainProgress(DRAIN, [paused, WITH_WEIGHT], true)).toMatchObject({ state: 'accepted', isPaused: true });
    expect(drainProgress(DRAIN, [paused, AT_ZERO], true)).toMatchObject({ state: 'weight-zero' });
    expect(drainProgress(DRAIN, [AT_ZERO], true).isPaused).toBe(false);
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
