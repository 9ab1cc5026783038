import { expect, test } from 'vitest';
import { changeRequest, creationParameters, loadBalancerSettings } from './load-balancer-settings.ts';

test('a creation joins what the user chose one by one to what the user wrote as the API has it', () => {
  const more = { VipIsp: 'CTCC', InternetAccessible: { InternetChargeType: 'BANDWIDTH_PACKAGE' } };
  expect(creationParameters({ maxBandwidthMbps: 20, passToTarget: true, more })).toEqual({
    VipIsp: 'CTCC',
    InternetAccessible: { InternetChargeType: 'BANDWIDTH_PACKAGE', InternetMaxBandwidthOut: 20 },
    LoadBalancerPassToTarget: true,
  });
});

test('a creation for which nothing was chosen leaves everything to CLB', () => {
  expect(creationParameters({})).toEqual({});
});

test('a change names what it changes and nothing else', () => {
  expect(changeRequest('lb-1', { kind: 'attributes', settings: { maxBandwidthMbps: 5 } })).toEqual({
    action: 'ModifyLoadBalancerAttributes',
    isTask: true,
    parameters: { LoadBalancerId: 'lb-1', InternetChargeInfo: { InternetMaxBandwidthOut: 5 } },
  });
  expect(changeRequest('lb-1', { kind: 'attributes', settings: { name: 'web' } }).parameters).toEqual({
    LoadBalancerId: 'lb-1',
    LoadBalancerName: 'web',
  });
  expect(changeRequest('lb-1', { kind: 'security-groups', ids: ['sg-1'] }).parameters).toEqual({
    LoadBalancerId: 'lb-1',
    SecurityGroups: ['sg-1'],
  });
});

test('what CLB does not tell is left out', () => {
  expect(loadBalancerSettings({ SecureGroups: null })).toEqual({ securityGroups: [], deleteProtected: false });
});
