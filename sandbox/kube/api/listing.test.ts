import { expect, test } from 'vitest';
import { CONFIG_MAPS, configMap, createBoundPod, createNode, PODS, pod, TestApi, type TestObject } from './fixtures.ts';

const names = (body: TestObject) => body.items.map(item => item.metadata.name);
const continueOf = (body: TestObject) => (body.metadata as unknown as { continue: string }).continue;

async function withConfigMaps(count: number): Promise<TestApi> {
  const api = new TestApi();
  for (let index = 0; index < count; index++) await api.post(CONFIG_MAPS, configMap(`c${index}`));
  return api;
}

test('pages of one list show the state at its first page, whatever was written in between', async () => {
  const api = await withConfigMaps(5);
  const first = await api.get(CONFIG_MAPS, { limit: '2' });
  await api.call('DELETE', `${CONFIG_MAPS}/c3`);
  await api.post(CONFIG_MAPS, configMap('c2-new'));
  const second = await api.get(CONFIG_MAPS, { limit: '2', continue: continueOf(first.body) });
  const third = await api.get(CONFIG_MAPS, { limit: '2', continue: continueOf(second.body) });
  expect([names(first.body), names(second.body), names(third.body)]).toEqual([['c0', 'c1'], ['c2', 'c3'], ['c4']]);
  expect(first.body.metadata).toMatchObject({ remainingItemCount: 3 });
  expect(third.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
  expect(continueOf(third.body)).toBeUndefined();
});

test('a continue token from before a compaction is expired, and brings one to go on with inconsistently', async () => {
  const api = await withConfigMaps(4);
  const first = await api.get(CONFIG_MAPS, { limit: '2' });
  await api.call('DELETE', `${CONFIG_MAPS}/c2`);
  api.server.compact();
  const late = await api.get(CONFIG_MAPS, { limit: '2', continue: continueOf(first.body) });
  expect(late).toMatchObject({ status: 410, body: { reason: 'Expired' } });
  const rest = await api.get(CONFIG_MAPS, { continue: continueOf(late.body) });
  expect(names(rest.body)).toEqual(['c3']);
});

test('a list of version 0 is not paged', async () => {
  const api = await withConfigMaps(3);
  const list = await api.get(CONFIG_MAPS, { resourceVersion: '0', limit: '1' });
  expect(names(list.body)).toHaveLength(3);
});

test('an exact list shows the past', async () => {
  const api = await withConfigMaps(1);
  const before = (await api.get(CONFIG_MAPS)).body.metadata.resourceVersion ?? '';
  await api.post(CONFIG_MAPS, configMap('later'));
  const past = await api.get(CONFIG_MAPS, { resourceVersion: before, resourceVersionMatch: 'Exact' });
  const present = await api.get(CONFIG_MAPS, { resourceVersion: before });
  expect([names(past.body), names(present.body)]).toEqual([['c0'], ['c0', 'later']]);
});

test('a list of a version to come times out instead of answering with the past', async () => {
  const api = await withConfigMaps(1);
  const list = await api.get(CONFIG_MAPS, { resourceVersion: '9999' });
  expect(list).toMatchObject({ status: 504, body: { reason: 'Timeout' } });
});

test('lists are narrowed by label and field selectors, in one namespace or in all', async () => {
  const api = new TestApi();
  await createNode(api, 'n1');
  await api.post(PODS, pod('loose', { metadata: { labels: { app: 'web' } } }));
  await createBoundPod(api, 'bound', 'n1', { metadata: { labels: { app: 'web' } } });
  expect(names((await api.get(PODS, { labelSelector: 'app=web' })).body)).toEqual(['bound', 'loose']);
  expect(names((await api.get('/api/v1/pods', { fieldSelector: 'spec.nodeName=n1' })).body)).toEqual(['bound']);
  expect((await api.get(PODS, { fieldSelector: 'spec.foo=1' })).status).toBe(400);
});

test.each([
  ['limit', { limit: 'many' }],
  ['resourceVersion', { resourceVersion: 'abc' }],
  ['continue', { continue: 'nonsense' }],
  ['resourceVersionMatch', { resourceVersion: '1', resourceVersionMatch: 'Sometimes' }],
])('a malformed %s is a bad request', async (_name, query) => {
  const api = await withConfigMaps(1);
  expect((await api.get(CONFIG_MAPS, query)).status).toBe(400);
});
