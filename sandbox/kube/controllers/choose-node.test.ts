import { expect, test } from 'vitest';
import { chooseNode } from './choose-node.ts';
import { nodeFixture, podFixture } from './workload-fixtures.ts';

const ENI_IP = 'tke.cloud.tencent.com/eni-ip';

test('Pods of one owner spread over the nodes', () => {
  const nodes = [nodeFixture('n1'), nodeFixture('n2')];
  const pods = [
    podFixture({ name: 'a', nodeName: 'n1', ownerUid: 'web' }),
    podFixture({ name: 'x', nodeName: 'n2', ownerUid: 'other' }),
    podFixture({ name: 'y', nodeName: 'n2', ownerUid: 'other' }),
  ];
  expect(chooseNode(podFixture({ name: 'b', ownerUid: 'web' }), nodes, pods)).toEqual({ type: 'node', nodeName: 'n2' });
});

test('an extended resource runs out, counts Pods that are being deleted, and the message says where', () => {
  const nodes = [nodeFixture('n1', { [ENI_IP]: '1' }), nodeFixture('n2')];
  const requests = { [ENI_IP]: '1' };
  const pod = podFixture({ name: 'new', requests });
  expect(chooseNode(pod, nodes, [])).toEqual({ type: 'node', nodeName: 'n1' });
  const leaving = podFixture({ name: 'old', nodeName: 'n1', requests, deleted: true });
  expect(chooseNode(pod, nodes, [leaving])).toEqual({
    type: 'none',
    message: `0/2 nodes are available: 2 Insufficient ${ENI_IP}.`,
  });
});

test('cordoned and tainted nodes are left out unless tolerated', () => {
  const nodes = [
    nodeFixture('cordoned', {}, { unschedulable: true }),
    nodeFixture('tainted', {}, { taints: [{ key: 'eks.tke.cloud.tencent.com/eklet', effect: 'NoSchedule' }] }),
  ];
  const pod = podFixture({ name: 'a' });
  expect(chooseNode(pod, nodes, [])).toMatchObject({ type: 'none' });
  const tolerations = [{ key: 'eks.tke.cloud.tencent.com/eklet', operator: 'Exists' }];
  const tolerant = { ...pod, spec: { ...pod.spec, tolerations } };
  expect(chooseNode(tolerant, nodes, [])).toEqual({ type: 'node', nodeName: 'tainted' });
});

test('a nodeSelector is followed', () => {
  const pod = podFixture({ name: 'a' });
  const selective = { ...pod, spec: { ...pod.spec, nodeSelector: { 'kubernetes.io/hostname': 'n2' } } };
  const nodes = [nodeFixture('n1'), nodeFixture('n2')];
  expect(chooseNode(selective, nodes, [])).toEqual({ type: 'node', nodeName: 'n2' });
});
