import { expect, test } from 'vitest';
import { fixture } from './server-fixture.ts';

async function made(parameters: object = {}) {
  const clb = fixture({ manners: { createAnswersIds: 'always' } });
  const answer = await clb.call('CreateLoadBalancer', { LoadBalancerType: 'OPEN', ...parameters });
  await clb.finished(answer);
  const LoadBalancerId = (answer.LoadBalancerIds as string[])[0] ?? '';
  const shown = async () => {
    const { LoadBalancerSet: found } = await clb.call('DescribeLoadBalancers', { LoadBalancerIds: [LoadBalancerId] });
    return (found as Record<string, unknown>[])[0];
  };
  return { clb, LoadBalancerId, shown };
}

test('a change of attributes is a task, shows when it has ended, and leaves the others as they are', async () => {
  const { clb, LoadBalancerId, shown } = await made({ InternetAccessible: { InternetMaxBandwidthOut: 5 } });
  const change = { LoadBalancerId, LoadBalancerPassToTarget: true, DeleteProtect: true };
  const answer = await clb.call('ModifyLoadBalancerAttributes', change);
  expect(await shown()).toMatchObject({ LoadBalancerPassToTarget: false });
  await clb.finished(answer);
  expect(await shown()).toMatchObject({
    LoadBalancerPassToTarget: true,
    AttributeFlags: ['DeleteProtect'],
    NetworkAttributes: { InternetMaxBandwidthOut: 5 },
  });
});

test('security groups that are set are all that there are', async () => {
  const { clb, LoadBalancerId, shown } = await made();
  await clb.call('SetLoadBalancerSecurityGroups', { LoadBalancerId, SecurityGroups: ['sg-1', 'sg-2'] });
  await clb.clock.advance(5_000);
  await clb.call('SetLoadBalancerSecurityGroups', { LoadBalancerId, SecurityGroups: ['sg-3'] });
  expect(await shown()).toMatchObject({ SecureGroups: ['sg-3'] });
});

test('a load balancer at work refuses the next change', async () => {
  const { clb, LoadBalancerId } = await made();
  await clb.call('ModifyLoadBalancerAttributes', { LoadBalancerId, LoadBalancerName: 'other' });
  const groups = { LoadBalancerId, SecurityGroups: ['sg-1'] };
  expect(await clb.codeOf('SetLoadBalancerSecurityGroups', groups)).toBe('FailedOperation.ResourceInOperating');
});

test('an internal load balancer has no Internet traffic to charge for', async () => {
  const clb = fixture();
  const request = { LoadBalancerType: 'INTERNAL', VpcId: 'vpc-1', SubnetId: 'subnet-1', InternetAccessible: {} };
  expect(await clb.codeOf('CreateLoadBalancer', request)).toBe('InvalidParameter');
});
