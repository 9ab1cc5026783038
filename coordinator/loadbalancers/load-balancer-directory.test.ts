import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sleep } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { cloudError, FakeCloud, loadBalancer } from '../lanes/fake-cloud.ts';
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

const CREATED: ServiceIntent = { ...INTENT, loadBalancer: { kind: 'created', subnetId: undefined } };
const LEAVING: ServiceIntent = { ...CREATED, leaving: true };

describe('the directory', () => {
  const clock = new VirtualClock();
  let cloud: FakeCloud;
  let directory: LoadBalancerDirectory;
  let stop: AbortController;
  let leaseHeld: boolean;
  beforeEach(() => {
    cloud = new FakeCloud(clock);
    leaseHeld = true;
    const fence = { mayWrite: () => leaseHeld };
    const options = { clock, fence, cluster: 'c1', vpcId: 'vpc-1', log: silentLogger, onChange: () => undefined };
    directory = new LoadBalancerDirectory({ ...options, cloud });
    stop = new AbortController();
    void directory.run(stop.signal);
  });
  afterEach(() => stop.abort());

  const kind = () => directory.stateOf('service-uid').kind;

  async function makeCreated(): Promise<void> {
    directory.ensure(CREATED, { mayCreate: true });
    await clock.advance(10);
    cloud.balancers = cloud.balancers.map(found => ({ ...found, running: true }));
    await clock.advance(2_000);
  }

  test('finds an existing load balancer by its id', async () => {
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }));
    directory.ensure(INTENT, { mayCreate: true });
    await clock.advance(10);
    expect(directory.stateOf('service-uid')).toMatchObject({ kind: 'ready', loadBalancer: { id: 'lb-1' } });
    expect(cloud.balancerWrites).toEqual([]);
  });

  test('tells of one that does not exist, and finds it within 30 s when it appears', async () => {
    directory.ensure(INTENT, { mayCreate: true });
    await clock.advance(10);
    expect(directory.stateOf('service-uid')).toMatchObject({
      kind: 'failed',
      absent: true,
      problem: { code: 'CD1004' },
    });
    await clock.advance(300_000);
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }));
    await clock.advance(30_000);
    expect(kind()).toBe('ready');
    expect(cloud.balancerWrites).toEqual([]);
  });

  test('makes one load balancer for a Service, with a token that never makes two', async () => {
    await makeCreated();
    expect(kind()).toBe('ready');
    expect(cloud.balancerWrites).toEqual(['create with token cd1-c1-service-uid']);
    expect(cloud.balancers[0]?.tags).toMatchObject({ 'clb-direct-service': 'service-uid', 'clb-direct-cluster': 'c1' });
  });

  test('makes nothing before our finalizer is on the Service, nor without the lease', async () => {
    directory.ensure(CREATED, { mayCreate: false });
    await clock.advance(5_000);
    leaseHeld = false;
    directory.ensure(CREATED, { mayCreate: true });
    await clock.advance(5_000);
    expect(cloud.balancerWrites).toEqual([]);
  });

  test('keeps a load balancer that was there when a later look fails (L1)', async () => {
    await makeCreated();
    cloud.balancerError = cloudError({});
    await clock.advance(120_000);
    expect(kind()).toBe('ready');
  });

  test('keeps a load balancer that CLB calls not running later: it still holds its targets (L1)', async () => {
    await makeCreated();
    cloud.balancers = cloud.balancers.map(found => ({ ...found, running: false }));
    await clock.advance(120_000);
    expect(kind()).toBe('ready');
  });

  test('does not take a failed first look for absence', async () => {
    cloud.balancerError = cloudError({ code: 'CD2040' });
    directory.ensure(CREATED, { mayCreate: true });
    await clock.advance(10);
    expect(directory.stateOf('service-uid')).toMatchObject({
      kind: 'failed',
      absent: false,
      problem: { code: 'CD2040' },
    });
    expect(cloud.balancerWrites).toEqual([]);
  });

  test('deletes what was made for a Service that leaves, and says so when a look shows it gone (L8)', async () => {
    await makeCreated();
    cloud.deleteLoadBalancer = async () => ({ ok: true, value: undefined });
    directory.release(LEAVING);
    await clock.advance(5_000);
    expect(kind()).toBe('pending');
    cloud.balancers = [];
    await clock.advance(2_000);
    expect(kind()).toBe('released');
  });

  test('only lets go of an existing load balancer (L6)', async () => {
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }));
    directory.release({ ...INTENT, leaving: true });
    await clock.advance(10);
    expect(kind()).toBe('released');
    expect(cloud.balancerWrites).toEqual([]);
  });

  test('makes no load balancer for a Service that is on its way out', async () => {
    directory.ensure(LEAVING, { mayCreate: true });
    await clock.advance(10);
    expect(kind()).toBe('released');
    expect(cloud.balancerWrites).toEqual([]);
  });

  test('forgets the Services that are no more', async () => {
    await makeCreated();
    directory.keepOnly(new Set());
    expect(kind()).toBe('pending');
  });
});
