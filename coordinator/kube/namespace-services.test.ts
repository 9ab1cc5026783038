import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { type NamespaceList, NamespaceServices } from './namespace-services.ts';

let clock: VirtualClock;
let transport: ScriptedTransport;
let lists: [string, NamespaceList][];
let errors: unknown[];
let services: NamespaceServices;
let abort: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  transport = new ScriptedTransport(() => ({
    status: 200,
    body: { metadata: { resourceVersion: '9' }, items: [{ metadata: { name: 'web', namespace: 'shop' }, spec: {} }] },
  }));
  lists = [];
  errors = [];
  services = new NamespaceServices({
    names: DEFAULT_INSTANCE,
    transport,
    clock,
    random: seededRandom(1),
    onList: (namespace, list) => lists.push([namespace, list]),
    onError: (_namespace, error) => errors.push(error),
  });
  abort = new AbortController();
  running = services.run(abort.signal);
});

afterEach(async () => {
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});

it('lists one namespace consistently and tells when the list began', async () => {
  await clock.advance(250);
  services.ask('shop');
  await clock.advance(0);
  expect(transport.requests).toEqual([
    { method: 'GET', path: '/api/v1/namespaces/shop/services', query: { limit: '500' } },
    { method: 'GET', path: '/apis/networking.k8s.io/v1/namespaces/shop/ingresses', query: { limit: '500' } },
  ]);
  const expected = { startedAt: 250, services: [{ name: 'web' }], ingresses: [{ name: 'web' }] };
  expect(lists).toMatchObject([['shop', expected]]);
});

it('follows every question by a list that began after it, at most one a second', async () => {
  for (let tick = 0; tick < 30; tick++) {
    services.ask('shop');
    await clock.advance(100);
  }
  const lastAskedAt = clock.now() - 100;
  await clock.advance(2_000);
  const starts = lists.map(([, list]) => list.startedAt);
  expect(starts.at(-1)).toBeGreaterThanOrEqual(lastAskedAt);
  expect(starts.length).toBeLessThanOrEqual(4);
});

it('tells nothing when the list failed, and tries again', async () => {
  transport.answer = () => ({ status: 500, body: {} });
  services.ask('shop');
  await clock.advance(1_000);
  expect(lists).toEqual([]);
  expect(errors.length).toBeGreaterThan(1);
});
