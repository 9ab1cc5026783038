import { describe, expect, it } from 'vitest';
import { type FixtureOptions, fixture, targets, withListener } from './server-fixture.ts';

const OPEN = { LoadBalancerType: 'OPEN', LoadBalancerName: 'shop', Tags: [{ TagKey: 'owner', TagValue: 'us' }] };

async function listed(clb: ReturnType<typeof fixture>, query: object = {}) {
  const { LoadBalancerSet: found } = await clb.call('DescribeLoadBalancers', query);
  return found as Record<string, unknown>[];
}

describe('creating a load balancer', () => {
  it('is a task of its own: first unseen, then creating without an address, then running', async () => {
    const clb = fixture();
    const answer = await clb.call('CreateLoadBalancer', OPEN);
    expect(await listed(clb)).toEqual([]);
    await clb.clock.advance(6_000);
    expect(await listed(clb)).toMatchObject([{ Status: 0, LoadBalancerVips: [] }]);
    await clb.finished(answer);
    expect(await listed(clb)).toMatchObject([
      { Status: 1, LoadBalancerVips: ['127.100.0.1'], LoadBalancerName: 'shop' },
    ]);
  });

  it('may answer without ids; the task names them in the end, by request and by deal', async () => {
    const clb = fixture({ manners: { createAnswersIds: 'never' } });
    const answer = await clb.call('CreateLoadBalancer', OPEN);
    expect(answer.LoadBalancerIds).toEqual([]);
    await clb.finished(answer);
    const [found] = await listed(clb);
    const expected = { Status: 0, LoadBalancerIds: [found?.LoadBalancerId] };
    expect(await clb.call('DescribeTaskStatus', { TaskId: answer.RequestId })).toMatchObject(expected);
    expect(await clb.call('DescribeTaskStatus', { DealName: answer.DealName })).toMatchObject(expected);
  });

  it('with the same ClientToken happens once, and another request may not use the token', async () => {
    const clb = fixture();
    const request = { ...OPEN, ClientToken: 'token-1' };
    await clb.call('CreateLoadBalancer', request);
    const again = await clb.call('CreateLoadBalancer', request);
    expect(await clb.codeOf('CreateLoadBalancer', { ...request, LoadBalancerName: 'other' })).toBe(
      'InvalidParameter.ClientTokenLimitExceeded',
    );
    await clb.finished(again);
    expect(await listed(clb)).toHaveLength(1);
  });

  it.each<[string, FixtureOptions, object, string]>([
    ['an internal one without a subnet', {}, { LoadBalancerType: 'INTERNAL', VpcId: 'vpc-1' }, 'MissingParameter'],
    ['an open one with a subnet', {}, { ...OPEN, SubnetId: 'subnet-1' }, 'InvalidParameter'],
    ['another VPC', { vpcId: 'vpc-1' }, { ...OPEN, VpcId: 'vpc-2' }, 'InvalidParameterValue'],
    ['one more than the quota', { quota: { openLoadBalancers: 0 } }, OPEN, 'LimitExceeded'],
    ['a type that is none', {}, { LoadBalancerType: 'PUBLIC' }, 'InvalidParameterValue'],
    ['a token of 65 characters', {}, { ...OPEN, ClientToken: 'x'.repeat(65) }, 'InvalidParameterValue.Length'],
  ])('refuses %s', async (_, options, request, code) => {
    expect(await fixture(options).codeOf('CreateLoadBalancer', request)).toBe(code);
  });
});

describe('finding load balancers', () => {
  it('filters by tag and pages', async () => {
    const clb = fixture();
    for (let index = 0; index < 25; index += 1) {
      clb.server.seed({ tags: [{ TagKey: 'half', TagValue: index % 2 === 0 ? 'even' : 'odd' }] });
    }
    const filters = { Filters: [{ Name: 'tag:half', Values: ['even'] }] };
    expect(await listed(clb, filters)).toHaveLength(13);
    expect(await clb.call('DescribeLoadBalancers', { Offset: 20 })).toMatchObject({ TotalCount: 25 });
    expect(await listed(clb)).toHaveLength(20);
    expect(await listed(clb, { Offset: 20 })).toHaveLength(5);
    expect(await clb.codeOf('DescribeLoadBalancers', { Filters: [{ Name: 'shoe-size', Values: ['44'] }] })).toBe(
      'InvalidParameterValue.InvalidFilter',
    );
  });
});

describe('a load balancer of domain type', () => {
  it.each([
    ['domain', 0],
    ['vip-and-domain', 1],
  ] as const)('is made where the manners say %s, and shows %i addresses', async (loadBalancerAddress, vips) => {
    const clb = fixture({ manners: { loadBalancerAddress } });
    await clb.finished(await clb.call('CreateLoadBalancer', OPEN));
    const [found] = await listed(clb);
    expect(found?.LoadBalancerVips).toHaveLength(vips);
    expect(found?.LoadBalancerDomain).toBe(`${found?.LoadBalancerId}.clb.sandbox.tencentclb.com`);
  });

  it('may stand there before, as one with an IPv6 address may', async () => {
    const clb = fixture();
    clb.server.seed({ id: 'lb-domain', address: 'domain' });
    clb.server.seed({ id: 'lb-ipv6', ipv6Vip: 'fd00::1' });
    expect(await listed(clb)).toMatchObject([
      { LoadBalancerVips: [], LoadBalancerDomain: 'lb-domain.clb.sandbox.tencentclb.com', AddressIPv6: '' },
      { LoadBalancerVips: ['127.100.0.2'], LoadBalancerDomain: '', AddressIPv6: 'fd00::1' },
    ]);
  });
});

describe('deleting a load balancer', () => {
  it('takes its listeners and targets along', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 2) });
    await clb.clock.advance(2_000);
    await clb.call('DeleteLoadBalancer', { LoadBalancerIds: [loadBalancerId] });
    await clb.clock.advance(5_000);
    expect(await listed(clb)).toEqual([]);
    expect(await clb.codeOf('DescribeTargets', { LoadBalancerId: loadBalancerId })).toBe(
      'InvalidParameter.LBIdNotFound',
    );
  });

  it('is guarded when 20 targets are bound, unless forced', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 20) });
    await clb.clock.advance(2_000);
    const request = { LoadBalancerIds: [loadBalancerId] };
    expect(await clb.codeOf('DeleteLoadBalancer', request)).toBe('FailedOperation.TargetNumCheckRisk');
    expect(await clb.codeOf('DeleteLoadBalancer', { ...request, ForceDelete: true })).toBe('');
  });

  it('is guarded when targets are bound and traffic is seen, unless forced', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    clb.server.elsewhere.edit(loadBalancerId, { hasTraffic: true });
    await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: targets(listenerId, 1) });
    await clb.clock.advance(2_000);
    const request = { LoadBalancerIds: [loadBalancerId] };
    expect(await clb.codeOf('DeleteLoadBalancer', request)).toBe('FailedOperation.TrafficCheckRisk');
    expect(await clb.codeOf('DeleteLoadBalancer', { ...request, ForceDelete: true })).toBe('');
  });

  it('is guarded after 29 deletions in five minutes', async () => {
    const clb = fixture();
    const seeds = Array.from({ length: 30 }, () => clb.server.seed({}).id);
    for (const id of seeds.slice(1)) {
      await clb.call('DeleteLoadBalancer', { LoadBalancerIds: [id] });
      await clb.clock.advance(100);
    }
    const request = { LoadBalancerIds: seeds.slice(0, 1) };
    expect(await clb.codeOf('DeleteLoadBalancer', request)).toBe('FailedOperation.FrequencyCheckRisk');
    await clb.clock.advance(300_000);
    expect(await clb.codeOf('DeleteLoadBalancer', request)).toBe('');
  });

  it('is refused while it is protected', async () => {
    const clb = fixture();
    const { id } = clb.server.seed({ deleteProtected: true });
    expect(await clb.codeOf('DeleteLoadBalancer', { LoadBalancerIds: [id] })).toBe('OperationDenied');
  });
});

describe('listeners', () => {
  it('get their ids in the order of the ports before they exist', async () => {
    const clb = fixture();
    const { id } = clb.server.seed({});
    const answer = await clb.call('CreateListener', { LoadBalancerId: id, Protocol: 'TCP', Ports: [81, 80, 82] });
    expect((await clb.call('DescribeListeners', { LoadBalancerId: id })).Listeners).toEqual([]);
    await clb.finished(answer);
    const { Listeners: listeners } = await clb.call('DescribeListeners', { LoadBalancerId: id });
    const found = listeners as { ListenerId: string; Port: number }[];
    expect(found.map(({ Port }) => Port)).toEqual([81, 80, 82]);
    expect(found.map(({ ListenerId }) => ListenerId)).toEqual(answer.ListenerIds);
  });

  it('may share a port between TCP and UDP', async () => {
    const clb = fixture();
    const { loadBalancerId } = await withListener(clb);
    const request = { LoadBalancerId: loadBalancerId, Protocol: 'UDP', Ports: [80] };
    expect(await clb.codeOf('CreateListener', request)).toBe('');
  });

  it('are all deleted by a call that names none, and none by a call that names an unknown one', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    const unknown = { LoadBalancerId: loadBalancerId, ListenerIds: [listenerId, 'lbl-gone'] };
    expect(await clb.codeOf('DeleteLoadBalancerListeners', unknown)).toBe('InvalidParameter');
    await clb.finished(await clb.call('DeleteLoadBalancerListeners', { LoadBalancerId: loadBalancerId }));
    expect(await clb.call('DescribeListeners', { LoadBalancerId: loadBalancerId })).toMatchObject({ TotalCount: 0 });
  });

  it('can be renamed and given another health check', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    const change = { ListenerName: 'new', HealthCheck: { HealthSwitch: 0 } };
    await clb.finished(
      await clb.call('ModifyListener', { LoadBalancerId: loadBalancerId, ListenerId: listenerId, ...change }),
    );
    const { Listeners: listeners } = await clb.call('DescribeListeners', { LoadBalancerId: loadBalancerId });
    expect(listeners).toMatchObject([{ ListenerName: 'new', HealthCheck: { HealthSwitch: 0, IntervalTime: 5 } }]);
  });
});
