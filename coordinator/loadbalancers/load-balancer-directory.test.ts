import { expect, test } from 'vitest';
import { sleep } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { FakeCloud } from '../lanes/fake-cloud.ts';
import { LoadBalancerDirectory } from './load-balancer-directory.ts';
import type { ServiceIntent } from './service-intent.ts';

const INTENT: ServiceIntent = {
  service: { namespace: 'default', name: 'web', uid: 'service-uid' },
  leaving: false,
  loadBalancer: { kind: 'existing', id: 'lb-1' },
  rules: [],
  problems: [],
};

test('ends without an error when it is stopped while it looks for a load balancer', async () => {
  const clock = new VirtualClock();
  const cloud = new FakeCloud(clock);
  cloud.describeLoadBalancers = async (_, signal) => {
    await sleep(clock, 100, signal);
    return { ok: true, value: [] };
  };
  const fence = { mayWrite: () => true };
  const options = { cloud, clock, fence, cluster: 'c1', vpcId: 'vpc-1', log: silentLogger, onChange: () => undefined };
  const directory = new LoadBalancerDirectory(options);
  const stop = new AbortController();
  const running = directory.run(stop.signal);
  directory.ensure(INTENT, { mayCreate: false });
  await clock.advance(50);
  stop.abort();
  await clock.advance(1_000);
  await expect(running).resolves.toBeUndefined();
  expect(directory.stateOf('service-uid')).toEqual({ kind: 'pending' });
});
