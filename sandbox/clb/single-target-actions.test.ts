import { describe, expect, it } from 'vitest';
import { fixture, recordsOf, targets, withListener, withRules } from './server-fixture.ts';

const TARGET = { EniIp: '10.0.0.1', Port: 8080 };

describe('the older calls for one listener', () => {
  it('are tasks: registered, weighed and taken away, each visible at its end', async () => {
    const clb = fixture({ latency: { singleBaseMs: 300, singlePerTargetMs: 10 } });
    const { loadBalancerId: LoadBalancerId, listenerId: ListenerId } = await withListener(clb);
    const request = { LoadBalancerId, ListenerId, Targets: [TARGET] };
    const startedAt = clb.clock.wallNow();
    const answer = await clb.call('RegisterTargets', request);
    expect(await clb.call('DescribeTaskStatus', { TaskId: answer.RequestId })).toMatchObject({ Status: 2 });
    await clb.finished(answer);
    await clb.finished(await clb.call('ModifyTargetWeight', { ...request, Weight: 3 }));
    await clb.finished(await clb.call('DeregisterTargets', request));
    const changes = recordsOf(clb.server, 'change').slice(-3);
    expect(changes.map(change => change.changes)).toMatchObject([
      [{ kind: 'target-registered', weight: 10 }],
      [{ kind: 'target-reweighted', weight: 3 }],
      [{ kind: 'target-deregistered', weight: 3 }],
    ]);
    expect((changes[0]?.at ?? 0) - startedAt).toBe(310);
  });

  it('name a rule by its domain and URL, too', async () => {
    const clb = fixture();
    const rule = { Domain: 'shop.example.com', Url: '/' };
    const { listenerName, locationIds } = await withRules(clb, rule);
    await clb.finished(await clb.call('RegisterTargets', { ...listenerName, ...rule, Targets: [TARGET] }));
    expect(recordsOf(clb.server, 'change').at(-1)?.changes).toMatchObject([{ locationId: locationIds[0] }]);
    const unknown = { ...listenerName, ...rule, Url: '/gone', Targets: [TARGET] };
    expect(await clb.codeOf('RegisterTargets', unknown)).toBe('InvalidParameter.LocationNotFound');
  });

  it.each([
    ['21 targets', targets('', 21).map(({ EniIp, Port }) => ({ EniIp, Port })), 'InvalidParameterValue.Length'],
    ['a target twice', [TARGET, TARGET], 'InvalidParameterValue.Duplicate'],
  ])('refuse %s', async (_, Targets, code) => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId: ListenerId } = await withListener(clb);
    expect(await clb.codeOf('RegisterTargets', { LoadBalancerId, ListenerId, Targets })).toBe(code);
  });

  it('answer the busy form of their published lists', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId: ListenerId } = await withListener(clb);
    const request = { LoadBalancerId, ListenerId, Targets: [TARGET] };
    await clb.call('RegisterTargets', request);
    expect(await clb.codeOf('RegisterTargets', request)).toBe('FailedOperation.ResourceInOperating');
    expect(await clb.codeOf('DeregisterTargets', request)).toBe('FailedOperation');
  });
});

it('DescribeLBListeners tells which listeners and rules have an address', async () => {
  const clb = fixture();
  const rule = { Domain: 'shop.example.com', Url: '/' };
  const { loadBalancerId, listenerName, locationIds } = await withRules(clb, rule);
  await clb.finished(await clb.call('RegisterTargets', { ...listenerName, ...rule, Targets: [TARGET] }));
  const asked = (PrivateIp: string) =>
    clb.call('DescribeLBListeners', { Backends: [{ VpcId: 'vpc-default', PrivateIp }] });
  expect((await asked('10.9.9.9')).LoadBalancers).toEqual([]);
  expect((await asked('10.0.0.1')).LoadBalancers).toMatchObject([
    {
      LoadBalancerId: loadBalancerId,
      Listeners: [{ Rules: [{ LocationId: locationIds[0], Targets: [{ PrivateIp: '10.0.0.1', Type: 'eni' }] }] }],
    },
  ]);
});
