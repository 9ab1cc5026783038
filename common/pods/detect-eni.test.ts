import { describe, expect, test } from 'vitest';
import type { Pod } from '../kube/objects.ts';
import { detectEni } from './detect-eni.ts';
import { kubePod } from './pod.fixture.ts';

const MIXED = { pureVpcCni: false };

function withAnnotations(annotations: Record<string, string>, spec: Partial<Pod['spec']> = {}): Pod {
  return kubePod({ metadata: { annotations }, spec });
}

function withResources(resources: { requests?: Record<string, string>; limits?: Record<string, string> }): Pod {
  return kubePod({ spec: { containers: [{ name: 'web', image: 'nginx', resources }] } });
}

describe('an elastic network interface is seen', () => {
  test.each<[string, Pod]>([
    ['by the mark of a super node', withAnnotations({ 'tke.cloud.tencent.com/pod-type': 'eklet' })],
    ['by the name of a super node', kubePod({ spec: { nodeName: 'eklet-subnet-1' } })],
    ['by the request of a shared one', withResources({ requests: { 'tke.cloud.tencent.com/eni-ip': '1' } })],
    ['by the limit of an exclusive one', withResources({ limits: { 'tke.cloud.tencent.com/direct-eni': '1' } })],
    ['by the networks annotation', withAnnotations({ 'tke.cloud.tencent.com/networks': 'tke-route-eni' })],
    ['by one of several networks', withAnnotations({ 'tke.cloud.tencent.com/networks': 'tke-bridge, tke-direct-eni' })],
    [
      'by what Multus wrote',
      withAnnotations({ 'tke.cloud.tencent.com/networks-status': '[{"name":"tke-route-eni"}]' }),
    ],
  ])('%s', (_, pod) => {
    expect(detectEni(pod, MIXED).attached).toBe(true);
  });
});

describe('no elastic network interface is seen', () => {
  test.each<[string, Pod]>([
    [
      'on the network of the node, whatever else is written',
      withAnnotations({ 'tke.cloud.tencent.com/networks': 'tke-route-eni' }, { hostNetwork: true }),
    ],
    ['without any mark', kubePod()],
    ['by a request of none', withResources({ requests: { 'tke.cloud.tencent.com/eni-ip': '0' } })],
    [
      'in a GlobalRouter network',
      withAnnotations({ 'tke.cloud.tencent.com/networks-status': '[{"name":"tke-bridge"}]' }),
    ],
    ['in what is no JSON', withAnnotations({ 'tke.cloud.tencent.com/networks-status': '[{' })],
    ['in JSON of another form', withAnnotations({ 'tke.cloud.tencent.com/networks-status': '[null, 3]' })],
  ])('%s', (_, pod) => {
    expect(detectEni(pod, MIXED).attached).toBe(false);
  });
});

test('a resource decides before an annotation', () => {
  const pod = withResources({ requests: { 'tke.cloud.tencent.com/eni-ip': '1' } });
  pod.metadata.annotations = { 'tke.cloud.tencent.com/networks': 'tke-bridge' };
  expect(detectEni(pod, MIXED)).toEqual({ attached: true, reason: 'resource tke.cloud.tencent.com/eni-ip' });
});

test('where every Pod has one, a Pod without mark has one, and a marked one is believed', () => {
  expect(detectEni(kubePod(), { pureVpcCni: true }).attached).toBe(true);
  const marked = withAnnotations({ 'tke.cloud.tencent.com/networks': 'tke-bridge' });
  expect(detectEni(marked, { pureVpcCni: true }).attached).toBe(false);
});
