import { expect, test } from 'vitest';
import type { EndpointSlice } from '../kube/controllers/plan-endpoint-slices.ts';
import { hostsFile } from './cluster-names.ts';

function slice(service: string, endpoints: readonly { address: string; ready: boolean }[]): EndpointSlice {
  return {
    metadata: { name: `${service}-0`, namespace: 'ns', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: endpoints.map(({ address, ready }) => ({
      addresses: [address],
      conditions: { ready, serving: ready, terminating: false },
    })),
    ports: [],
  };
}

test('a name leads to each ready endpoint of its Service', () => {
  const endpoints = [
    { address: '127.64.1.2', ready: true },
    { address: '127.64.1.3', ready: false },
    { address: '127.64.2.2', ready: true },
  ];
  expect(hostsFile([slice('web', endpoints), slice('web', endpoints.slice(0, 1))])).toBe(
    '127.64.1.2 web.ns.svc web.ns.svc.cluster.local\n127.64.2.2 web.ns.svc web.ns.svc.cluster.local\n',
  );
});
