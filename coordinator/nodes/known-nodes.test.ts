import { expect, test } from 'vitest';
import { type NodeRecord, nodeRecord } from '../kube/node-reflector.ts';
import { KnownNodes } from './known-nodes.ts';

const record = (name: string, status: 'True' | 'Unknown' = 'True') =>
  nodeRecord({ metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } });

function listed(...names: readonly string[]): KnownNodes {
  const nodes = new KnownNodes();
  const items = new Map<string, NodeRecord>(names.map(name => [name, record(name)]));
  nodes.apply({ type: 'replaced', items, resourceVersion: '1' }, 0);
  return nodes;
}

test('of a node that is not known nothing is said before all were listed once', () => {
  expect(new KnownNodes().objectOf('n1')).toBe('unknown');
  expect(listed('n2').objectOf('n1')).toBe('gone');
});

test('a node is followed from ready to not ready to gone', () => {
  const nodes = listed('n1');
  expect(nodes.objectOf('n1')).toBe('ready');
  nodes.apply({ type: 'applied', key: 'n1', item: record('n1', 'Unknown'), resourceVersion: '2' }, 0);
  expect(nodes.objectOf('n1')).toBe('not-ready');
  nodes.apply({ type: 'deleted', key: 'n1', item: undefined, resourceVersion: '3' }, 0);
  expect([nodes.objectOf('n1'), nodes.size]).toEqual(['gone', 0]);
});

test('more nodes than are kept make none of them gone', () => {
  const nodes = listed(...Array.from({ length: 20_001 }, (_, index) => `n${index}`));
  expect([nodes.size, nodes.objectOf('n20000'), nodes.objectOf('n1')]).toEqual([20_000, 'unknown', 'ready']);
});
