import { expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { Cloud } from '../cloud/types.ts';
import { cloudError } from '../lanes/fake-cloud.ts';
import { AccountQuota } from './account-quota.ts';

test('the quota is the documented one until CLB tells, is asked for again after a failure, and followed later', async () => {
  const clock = new VirtualClock();
  const changes: number[] = [];
  let answer: Awaited<ReturnType<Cloud['describeQuota']>> = { ok: false, error: cloudError({}) };
  const quota = new AccountQuota({
    cloud: { describeQuota: async () => answer },
    clock,
    log: silentLogger,
    onChange: () => changes.push(quota.targetsPerRule),
  });
  const stop = new AbortController();
  const running = quota.run(stop.signal);
  await clock.advance(1);
  expect(quota.targetsPerRule).toBe(200);
  const limits = { listenersPerLoadBalancer: 50, forwardingRulesPerListener: 50 };
  answer = { ok: true, value: { ...limits, targetsPerRule: 100 } };
  await clock.advance(10_000);
  expect(quota.targetsPerRule).toBe(100);
  answer = { ok: true, value: { ...limits, targetsPerRule: 500 } };
  await clock.advance(600_000);
  expect(changes).toEqual([100, 500]);
  stop.abort();
  await running;
});
