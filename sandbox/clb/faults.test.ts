import { describe, expect, it } from 'vitest';
import type { Fault } from './faults.ts';
import { type Fixture, fixture, recordsOf, targets, withListener } from './server-fixture.ts';

async function boundTo(clb: Fixture, LoadBalancerId: string): Promise<number[]> {
  const { Listeners: listeners } = await clb.call('DescribeTargets', { LoadBalancerId });
  return (listeners as { readonly Targets: readonly unknown[] }[]).map(({ Targets }) => Targets.length);
}

/** Four TCP listeners with the ports 80 to 83. */
async function withFourListeners(clb: Fixture) {
  const { id } = clb.server.seed({});
  const answer = await clb.call('CreateListener', { LoadBalancerId: id, Protocol: 'TCP', Ports: [80, 81, 82, 83] });
  await clb.finished(answer);
  return { loadBalancerId: id, listenerIds: answer.ListenerIds as string[] };
}

describe('a batch of which listeners fail', () => {
  it('names them, does nothing of theirs and everything of the others', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerIds } = await withFourListeners(clb);
    clb.server.faults.add({ action: 'BatchRegisterTargets', kind: 'fail-listeners', share: 0.5, count: 1 });
    const Targets = listenerIds.flatMap(id => targets(id, 3));
    const { FailListenerIdSet: failed } = await clb.call('BatchRegisterTargets', { LoadBalancerId, Targets });
    expect(failed).toHaveLength(2);
    const expected = listenerIds.map(id => ((failed as string[]).includes(id) ? 0 : 3));
    expect(await boundTo(clb, LoadBalancerId)).toEqual(expected);
  });

  it('fails the named ones, and nothing where none of them takes part', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerIds } = await withFourListeners(clb);
    const [first = '', second = ''] = listenerIds;
    const fault: Fault = { action: 'BatchRegisterTargets', kind: 'fail-listeners', listenerIds: [first] };
    clb.server.faults.add(fault);
    const failedOf = async (...ids: string[]) => {
      const Targets = ids.flatMap(id => targets(id, 1));
      const answer = await clb.call('BatchRegisterTargets', { LoadBalancerId, Targets });
      await clb.clock.advance(2_000);
      return answer.FailListenerIdSet;
    };
    expect(await failedOf(first, second)).toEqual([first]);
    expect(await failedOf(second)).toEqual([]);
  });
});

describe('a batch of which targets are dropped', () => {
  it.each([
    ['BatchRegisterTargets', 6],
    ['BatchDeregisterTargets', 4],
  ])('answers success: %s leaves %i bound', async (action, left) => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const batch = { LoadBalancerId, Targets: targets(listenerId, 10) };
    if (action === 'BatchDeregisterTargets') await clb.call('BatchRegisterTargets', batch);
    await clb.clock.advance(2_000);
    clb.server.faults.add({ action, kind: 'drop-targets', share: 0.4 });
    expect(await clb.call(action, batch)).toMatchObject({ FailListenerIdSet: [] });
    expect(await boundTo(clb, LoadBalancerId)).toEqual([left]);
  });
});

describe('a stale read', () => {
  it('tells what was bound so long ago, and a later one what is bound now', async () => {
    const clb = fixture({ latency: { readMs: 0 } });
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    await clb.call('BatchRegisterTargets', { LoadBalancerId, Targets: targets(listenerId, 2) });
    await clb.clock.advance(3_000);
    await clb.call('BatchDeregisterTargets', { LoadBalancerId, Targets: targets(listenerId, 1) });
    const boundAgo = (staleMs: number) => {
      clb.server.faults.add({ action: 'DescribeTargets', kind: 'stale-read', staleMs, count: 1 });
      return boundTo(clb, LoadBalancerId);
    };
    expect(await boundAgo(0)).toEqual([1]);
    expect(await boundAgo(1_000)).toEqual([2]);
    expect(await boundAgo(5_000)).toEqual([0]);
    await clb.clock.advance(2_000);
    expect(await boundAgo(1_000)).toEqual([1]);
    expect(await boundTo(clb, LoadBalancerId)).toEqual([1]);
  });

  it('does not know a load balancer that was made since, and still knows one that was deleted', async () => {
    const clb = fixture();
    await clb.clock.advance(10_000);
    const { id } = clb.server.seed({});
    await clb.clock.advance(1_000);
    clb.server.faults.add({ action: 'DescribeLoadBalancers', kind: 'stale-read', staleMs: 2_000, count: 1 });
    expect(await clb.call('DescribeLoadBalancers', {})).toMatchObject({ TotalCount: 0 });
    await clb.finished(await clb.call('DeleteLoadBalancer', { LoadBalancerIds: [id] }));
    clb.server.faults.add({ action: 'DescribeLoadBalancers', kind: 'stale-read', staleMs: 2_500, count: 1 });
    expect(await clb.call('DescribeLoadBalancers', {})).toMatchObject({ TotalCount: 1 });
  });
});

describe('an answer that cannot be read', () => {
  it.each([
    [{ kind: 'html-reply', status: 502 }, 'status 502'],
    [{ kind: 'break-reply' }, 'in the middle'],
    [{ kind: 'lose-reply' }, 'before the answer'],
    [{ kind: 'drip-reply' }, 'does not end'],
  ] as const)('%o follows a write that was done', async (fault, message) => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    clb.server.faults.add({ action: 'BatchRegisterTargets', ...fault, count: 1 });
    const write = clb.call('BatchRegisterTargets', { LoadBalancerId, Targets: targets(listenerId, 2) });
    await expect(write).rejects.toMatchObject({ code: '', message: expect.stringContaining(message) });
    expect(await boundTo(clb, LoadBalancerId)).toEqual([2]);
    expect(recordsOf(clb.server, 'call').at(-2)).toMatchObject({ code: '', replyLost: true });
  });
});

it('somebody else can spend the rate limit of an action until the faults are cleared', async () => {
  const clb = fixture();
  clb.server.faults.add({ action: 'DescribeQuota', kind: 'spend-rate', perSecond: 15 });
  const answered = async (action: string) => {
    await clb.clock.advance(1_000);
    const codes = Array.from({ length: 20 }, () =>
      clb.server.call(action, {}).then(
        () => '',
        error => error.code,
      ),
    );
    await clb.clock.advance(100);
    return (await Promise.all(codes)).filter(code => code === '').length;
  };
  expect(await answered('DescribeQuota')).toBe(5);
  expect(await answered('DescribeLoadBalancers')).toBe(20);
  clb.server.faults.clear();
  expect(await answered('DescribeQuota')).toBe(20);
});

it('an error may have any code and any text', async () => {
  const clb = fixture();
  clb.server.faults.add({ action: '*', kind: 'error', code: 'Earth.Quake', message: 'the ground shakes' });
  await expect(clb.call('DescribeQuota', {})).rejects.toMatchObject({
    code: 'Earth.Quake',
    message: 'the ground shakes',
  });
});
