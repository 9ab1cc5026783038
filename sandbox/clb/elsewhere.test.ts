import { describe, expect, it, vi } from 'vitest';
import { type Fixture, fixture, recordsOf, targets, withListener, withRules } from './server-fixture.ts';
import { ClbState } from './state.ts';

async function addresses(clb: Fixture, LoadBalancerId: string): Promise<string[]> {
  const { Listeners: listeners } = await clb.call('DescribeTargets', { LoadBalancerId });
  const found = listeners as { readonly Targets: readonly { readonly PrivateIpAddresses: readonly string[] }[] }[];
  return found.flatMap(({ Targets }) => Targets.flatMap(target => target.PrivateIpAddresses));
}

describe('a refused address', () => {
  it('fails every batch that would bind it, by name, until it is accepted again', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    clb.server.elsewhere.refuse(['10.0.0.2']);
    const batch = { LoadBalancerId, Targets: targets(listenerId, 3) };
    await expect(clb.call('BatchRegisterTargets', batch)).rejects.toMatchObject({
      code: 'InvalidParameterValue',
      message: expect.stringContaining('10.0.0.2'),
    });
    expect(await addresses(clb, LoadBalancerId)).toEqual([]);
    clb.server.elsewhere.accept(['10.0.0.2']);
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('');
  });

  it('can always be taken away', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const batch = { LoadBalancerId, Targets: targets(listenerId, 1) };
    await clb.call('BatchRegisterTargets', batch);
    await clb.clock.advance(2_000);
    clb.server.elsewhere.refuse(['10.0.0.1']);
    expect(await clb.codeOf('BatchDeregisterTargets', batch)).toBe('');
    expect(await addresses(clb, LoadBalancerId)).toEqual([]);
  });
});

describe('a released machine', () => {
  it('is unbound everywhere at once and refused from then on', async () => {
    const clb = fixture({ instances: { 'ins-node1': '10.1.0.1' } });
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const instance = { ListenerId: listenerId, InstanceId: 'ins-node1', Port: 80 };
    await clb.call('BatchRegisterTargets', { LoadBalancerId, Targets: [...targets(listenerId, 2), instance] });
    clb.server.elsewhere.release(['ins-node1', '10.0.0.1']);
    expect(await addresses(clb, LoadBalancerId)).toEqual(['10.0.0.2']);
    await clb.clock.advance(2_000);
    expect(await clb.codeOf('BatchRegisterTargets', { LoadBalancerId, Targets: [instance] })).toBe(
      'InvalidParameterValue',
    );
  });

  it('fails a registration that is under way, and nothing of it is done', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const write = clb.server.call('BatchRegisterTargets', { LoadBalancerId, Targets: targets(listenerId, 2) });
    const outcome = expect(write).rejects.toMatchObject({
      code: 'FailedOperation',
      message: expect.stringContaining('10.0.0.2'),
    });
    await clb.clock.advance(50);
    clb.server.elsewhere.release(['10.0.0.2']);
    await clb.clock.advance(3_000);
    await outcome;
    expect(await addresses(clb, LoadBalancerId)).toEqual([]);
  });
});

describe('somebody else', () => {
  it('makes listeners, rules and targets at once, whatever is under way, and the journal tells', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const { elsewhere } = clb.server;
    const ours = clb.server.call('BatchRegisterTargets', { LoadBalancerId, Targets: targets(listenerId, 100) });
    await clb.clock.advance(50);
    const made = elsewhere.writeAtOnce('CreateListener', { LoadBalancerId, Protocol: 'HTTP', Ports: [8080] });
    const [ListenerId = ''] = made.ListenerIds as string[];
    const rule = { Domain: 'theirs.example.com', Url: '/' };
    const rules = elsewhere.writeAtOnce('CreateRule', { LoadBalancerId, ListenerId, Rules: [rule] });
    const [LocationId = ''] = rules.LocationIds as string[];
    const Targets = [{ ListenerId, LocationId, EniIp: '10.9.0.1', Port: 80 }];
    elsewhere.writeAtOnce('BatchRegisterTargets', { LoadBalancerId, Targets });
    const calls = recordsOf(clb.server, 'call').filter(({ foreign }) => foreign);
    expect(calls.map(({ action }) => action)).toEqual(['CreateListener', 'CreateRule', 'BatchRegisterTargets']);
    await clb.clock.advance(5_000);
    await ours;
    const { Listeners: listeners } = await clb.call('DescribeTargets', { LoadBalancerId });
    expect(listeners).toMatchObject([{ Port: 80 }, { Port: 8080, Rules: [{ Targets: [{ Port: 80 }] }] }]);
  });

  it('takes a listener away under a write, which then does nothing there', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId: ListenerId } = await withListener(clb);
    const ours = clb.server.call('BatchRegisterTargets', { LoadBalancerId, Targets: targets(ListenerId, 2) });
    await clb.clock.advance(50);
    clb.server.elsewhere.writeAtOnce('DeleteListener', { LoadBalancerId, ListenerId });
    await clb.clock.advance(3_000);
    await ours;
    expect(recordsOf(clb.server, 'change').at(-1)?.action).toBe('DeleteListener');
  });

  it('may also call as anybody: it locks the load balancer, and no fault hits it', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    clb.server.faults.add({ action: '*', kind: 'error', code: 'InternalError' });
    const batch = { LoadBalancerId, Targets: targets(listenerId, 50) };
    const theirs = clb.server.elsewhere.call('BatchRegisterTargets', batch);
    clb.server.faults.clear();
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('FailedOperation.ResourceInOperating');
    await clb.clock.advance(3_000);
    await theirs;
  });
});

describe('a load balancer', () => {
  it('may have another quota of targets, which DescribeQuota does not tell', async () => {
    const clb = fixture({ quota: { targetsPerListener: 2 } });
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const batch = { LoadBalancerId, Targets: targets(listenerId, 3) };
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('LimitExceeded');
    clb.server.elsewhere.edit(LoadBalancerId, { targetQuota: 3 });
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe('');
    const { QuotaSet: quotas } = await clb.call('DescribeQuota', {});
    expect(quotas).toContainEqual({ QuotaId: 'TOTAL_TARGET_BIND_QUOTA', QuotaCurrent: null, QuotaLimit: 2 });
  });

  it('can be given tags that reads and filters know at once', async () => {
    const clb = fixture();
    const { id } = clb.server.seed({});
    const tag = { TagKey: 'clb-direct-allow', TagValue: 'c1/default' };
    clb.server.elsewhere.edit(id, { tags: [tag] });
    const Filters = [{ Name: 'tag:clb-direct-allow', Values: ['c1/default'] }];
    expect(await clb.call('DescribeLoadBalancers', { Filters })).toMatchObject({ LoadBalancerSet: [{ Tags: [tag] }] });
  });
});

it('a read that names its load balancers looks at no others', async () => {
  const clb = fixture();
  const { loadBalancerId: LoadBalancerId, listenerId } = await withRules(clb, { Domain: 'a.example.com', Url: '/' });
  const all = vi.spyOn(ClbState.prototype, 'all');
  try {
    await clb.call('DescribeLoadBalancers', { LoadBalancerIds: [LoadBalancerId] });
    await clb.call('DescribeListeners', { LoadBalancerId });
    await clb.call('DescribeTargets', { LoadBalancerId, ListenerIds: [listenerId] });
    await clb.call('DescribeTargetHealth', { LoadBalancerIds: [LoadBalancerId] });
    expect(all).not.toHaveBeenCalled();
    await clb.call('DescribeLoadBalancers', {});
    expect(all).toHaveBeenCalledTimes(1);
  } finally {
    all.mockRestore();
  }
});
