import { expect, test } from 'vitest';
import { CONFIG_MAPS, configMap, TestApi } from './fixtures.ts';
import { inProcessKubeTransport } from './in-process.ts';

test('neither side can change what the other holds', async () => {
  const api = new TestApi();
  const mine = configMap('a', { key: 'value' });
  const { body } = await api.post(CONFIG_MAPS, mine);
  (mine.data as Record<string, string>).key = 'changed by the caller';
  (body as unknown as { data: Record<string, string> }).data.key = 'changed by the reader';
  expect((await api.get(`${CONFIG_MAPS}/a`)).body).toMatchObject({ data: { key: 'value' } });
});

test('a round trip takes the latency, and the server acts in the middle of it', async () => {
  const api = new TestApi({ latencyMs: 20 });
  const direct = inProcessKubeTransport({ server: api.server, user: { username: 'other' }, clock: api.clock });
  let isAnswered = false;
  api.post(CONFIG_MAPS, configMap('a')).then(() => {
    isAnswered = true;
  });
  const exists = async () =>
    (await direct.request({ method: 'GET', path: `${CONFIG_MAPS}/a` }, AbortSignal.any([]))).status === 200;
  await api.clock.advance(9);
  expect(await exists()).toBe(false);
  await api.clock.advance(1);
  expect([await exists(), isAnswered]).toEqual([true, false]);
  await api.clock.advance(10);
  expect(isAnswered).toBe(true);
});

test('many events at once each arrive one latency later, not one after another', async () => {
  const api = new TestApi({ latencyMs: 20 });
  const direct = inProcessKubeTransport({ server: api.server, user: { username: 'other' }, clock: api.clock });
  const events = api.events(CONFIG_MAPS, {}, 50);
  await api.clock.advance(20);
  for (let index = 0; index < 50; index++) {
    const request = { method: 'POST', path: CONFIG_MAPS, body: configMap(`c${index}`) } as const;
    await direct.request(request, AbortSignal.any([]));
  }
  let isDone = false;
  events.then(() => {
    isDone = true;
  });
  await api.clock.advance(9);
  expect(isDone).toBe(false);
  await api.clock.advance(1);
  expect(isDone).toBe(true);
});

test('an abort ends a request and a watch with its reason', async () => {
  const api = new TestApi({ latencyMs: 20 });
  const controller = new AbortController();
  const reason = new Error('enough');
  const request = api.transport.request({ method: 'GET', path: CONFIG_MAPS }, controller.signal);
  const watch = api.transport
    .watch({ method: 'GET', path: CONFIG_MAPS }, controller.signal)
    [Symbol.asyncIterator]()
    .next();
  const outcomes = Promise.allSettled([request, watch]);
  await api.clock.advance(5);
  controller.abort(reason);
  expect(await outcomes).toEqual([
    { status: 'rejected', reason },
    { status: 'rejected', reason },
  ]);
});

test('an abort ends a watch that waits for events', async () => {
  const api = new TestApi();
  const controller = new AbortController();
  const next = api.transport
    .watch({ method: 'GET', path: CONFIG_MAPS }, controller.signal)
    [Symbol.asyncIterator]()
    .next();
  const outcome = expect(next).rejects.toThrow('enough');
  await api.clock.advance(5);
  controller.abort(new Error('enough'));
  await outcome;
});
