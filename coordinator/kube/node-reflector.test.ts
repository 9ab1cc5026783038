import { expect, test } from 'vitest';
import type { Node } from '../../common/kube/objects.ts';
import { nodeRecord } from './node-reflector.ts';

const node = (status: NonNullable<Node['status']> = {}): Node => ({ metadata: { name: 'n1' }, status });

test('a Node is kept as far as its address, its kubelet’s port and its state go', () => {
  const addresses = [
    { type: 'Hostname', address: 'n1' },
    { type: 'InternalIP', address: '10.0.0.1' },
  ];
  const record = nodeRecord(node({ addresses, daemonEndpoints: { kubeletEndpoint: { Port: 10_255 } } }));
  expect(record).toMatchObject({ address: '10.0.0.1', kubeletPort: 10_255, isReady: true });
  expect(nodeRecord(node())).toMatchObject({ address: undefined, kubeletPort: 10_250 });
});

test.each([
  ['True', true],
  ['False', false],
  ['Unknown', false],
] as const)('a Node whose condition Ready is %s is so', (status, isReady) => {
  expect(nodeRecord(node({ conditions: [{ type: 'Ready', status }] })).isReady).toBe(isReady);
});
