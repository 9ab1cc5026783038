import { expect, test } from 'vitest';
import type { LifecycleHandler, PodSpec } from '../kube/objects.ts';
import { HOOK_PORT } from '../names.ts';
import { HookKind } from '../pod-record.ts';
import { hookKindOf } from './hook-kind.ts';
import { kubePod } from './pod.fixture.ts';

const REDIRECTED = { httpGet: { port: 19440, path: '/v1/drain' } };
const WITH_TOKEN = { httpGet: { port: 19440, path: '/v1/drain/0123456789abcdef', host: '127.0.0.1' } };
const SLEEP = { sleep: { seconds: 10 } };
const COMMAND = { exec: { command: ['true'] } };

test.each<[string, (LifecycleHandler | undefined)[], Partial<PodSpec>, HookKind]>([
  ['a redirected call', [REDIRECTED], {}, HookKind.DRAIN],
  ['a call with a token', [WITH_TOKEN], {}, HookKind.DRAIN],
  ['a call with a token on the host network', [WITH_TOKEN], { hostNetwork: true }, HookKind.DRAIN],
  ['a redirected call on the host network, which finds nobody', [REDIRECTED], { hostNetwork: true }, HookKind.NONE],
  ['a sleep', [SLEEP], {}, HookKind.SLEEP],
  ['a command', [COMMAND], {}, HookKind.OTHER],
  ['nothing', [undefined], {}, HookKind.NONE],
  ['the least of a call and a sleep', [REDIRECTED, SLEEP], {}, HookKind.SLEEP],
  ['the least of a sleep and a command', [COMMAND, SLEEP], {}, HookKind.OTHER],
  ['the least of all', [REDIRECTED, undefined, COMMAND], {}, HookKind.NONE],
])('a Pod’s hooks do %s', (_name, preStops, spec, kind) => {
  const containers = preStops.map((preStop, index) => ({
    name: `c${index}`,
    image: 'nginx',
    ...(preStop && { lifecycle: { preStop } }),
  }));
  expect(hookKindOf(kubePod({ spec: { ...spec, containers } }), HOOK_PORT)).toBe(kind);
});

test('a sidecar needs no hook: it ends after the others', () => {
  const initContainers = [{ name: 'proxy', image: 'proxy', restartPolicy: 'Always' }];
  expect(hookKindOf(kubePod({ spec: { initContainers } }), HOOK_PORT)).toBe(HookKind.DRAIN);
});
