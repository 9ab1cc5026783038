import { expect, test } from 'vitest';
import type { Container, Pod } from '../kube/objects.ts';
import { HOOK_PORT } from '../names.ts';
import { podHook } from './pod-hook.ts';

const CALL = { port: 19440, path: '/v1/drain' };
const TOKEN = 'k3V9xQ_2mZ-81bTfRw0a';
const tokenCall = (token: string, host = '127.0.0.1') => ({
  lifecycle: { preStop: { httpGet: { port: 19440, host, path: `/v1/drain/${token}` } } },
});

function pod(container: Partial<Container>, hostNetwork = false): Pod {
  const main = { name: 'main', image: 'nginx', lifecycle: { preStop: { httpGet: CALL } }, ...container };
  return { metadata: { name: 'web' }, spec: { hostNetwork, containers: [main] } };
}

test('a Pod whose preStop calls the hook port without a host is redirected', () => {
  expect(podHook(pod({}), HOOK_PORT)).toEqual({ type: 'redirected' });
});

test.each([
  ['on the Pod network', pod(tokenCall(TOKEN))],
  ['on the host’s network', pod(tokenCall(TOKEN), true)],
])('a Pod %s whose preStop calls the loopback address is known by its token', (_, given) => {
  expect(podHook(given, HOOK_PORT)).toEqual({ type: 'token', token: TOKEN });
});

test.each([
  ['has no such hook', pod({ lifecycle: {} })],
  ['names a host in it', pod({ lifecycle: { preStop: { httpGet: { ...CALL, host: '127.0.0.1' } } } })],
  ['has one of its own on another path', pod({ lifecycle: { preStop: { httpGet: { ...CALL, path: '/stop' } } } })],
  ['is on the host’s network', pod({}, true)],
  ['declares the port itself', pod({ ports: [{ containerPort: 19440 }] })],
  ['probes the port by HTTP', pod({ readinessProbe: { httpGet: { port: 19440 } } })],
  ['probes the port by TCP', pod({ livenessProbe: { tcpSocket: { port: '19440' } } })],
  ['has a token that could be guessed', pod(tokenCall('secret'))],
  ['sends its token elsewhere', pod(tokenCall(TOKEN, '10.0.0.1'))],
])('a Pod that %s is not hooked', (_, given) => {
  expect(podHook(given, HOOK_PORT)).toEqual({ type: 'none' });
});
