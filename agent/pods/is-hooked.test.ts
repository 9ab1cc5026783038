import { expect, test } from 'vitest';
import type { Container, Pod } from '../../common/kube/objects.ts';
import { isHooked } from './is-hooked.ts';

const HOOK = { preStop: { httpGet: { port: 19440, path: '/v1/drain' } } };

function pod(container: Partial<Container>, hostNetwork = false): Pod {
  return {
    metadata: { name: 'web' },
    spec: { hostNetwork, containers: [{ name: 'main', image: 'nginx', lifecycle: HOOK, ...container }] },
  };
}

test('a Pod whose preStop calls the hook port without a host is redirected', () => {
  expect(isHooked(pod({}))).toBe(true);
});

test.each([
  ['has no such hook', pod({ lifecycle: {} })],
  ['names a host in it', pod({ lifecycle: { preStop: { httpGet: { ...HOOK.preStop.httpGet, host: '127.0.0.1' } } } })],
  ['is on the host’s network', pod({}, true)],
  ['declares the port itself', pod({ ports: [{ containerPort: 19440 }] })],
  ['probes the port by HTTP', pod({ readinessProbe: { httpGet: { port: 19440 } } })],
  ['probes the port by TCP', pod({ livenessProbe: { tcpSocket: { port: '19440' } } })],
])('a Pod that %s is not redirected', (_, given) => {
  expect(isHooked(given)).toBe(false);
});
