import { describe, expect, test } from 'vitest';
import type { WatchEvent } from '../../../common/kube/transport.ts';
import { CONFIG_MAPS, configMap, createNode, PODS, pod, TestApi } from './fixtures.ts';

const told = (events: readonly WatchEvent[]) =>
  events.map(({ type, object }) => [type, 'metadata' in object ? object.metadata.name : undefined]);

async function revisionOf(api: TestApi): Promise<string> {
  return (await api.get(CONFIG_MAPS)).body.metadata.resourceVersion ?? '';
}

describe('a watch', () => {
  test('from a version tells every later change in order', async () => {
    const api = new TestApi();
    await api.post(CONFIG_MAPS, configMap('before'));
    const events = api.events(CONFIG_MAPS, { resourceVersion: await revisionOf(api) }, 3);
    await api.post(CONFIG_MAPS, configMap('a'));
    await api.patch('merge', `${CONFIG_MAPS}/a`, { data: { key: 'value' } });
    await api.call('DELETE', `${CONFIG_MAPS}/a`);
    expect(told(await events)).toEqual([
      ['ADDED', 'a'],
      ['MODIFIED', 'a'],
      ['DELETED', 'a'],
    ]);
  });

  test('without a version begins with what exists', async () => {
    const api = new TestApi();
    await api.post(CONFIG_MAPS, configMap('a'));
    const events = api.events(CONFIG_MAPS, {}, 2);
    await api.post(CONFIG_MAPS, configMap('b'));
    expect(told(await events)).toEqual([
      ['ADDED', 'a'],
      ['ADDED', 'b'],
    ]);
  });

  test('stays silent about an update that changes nothing', async () => {
    const api = new TestApi();
    await api.post(CONFIG_MAPS, configMap('a', { key: 'value' }));
    const before = await revisionOf(api);
    await api.patch('merge', `${CONFIG_MAPS}/a`, { data: { key: 'value' } });
    expect(await revisionOf(api)).toBe(before);
  });

  test('with a selector tells of objects that enter and leave the selection', async () => {
    const api = new TestApi();
    await createNode(api, 'n1');
    await api.post(PODS, pod('a', { metadata: { labels: { app: 'web' } } }));
    const events = api.events(PODS, { fieldSelector: 'spec.nodeName=n1', labelSelector: 'app=web' }, 2);
    await api.post(`${PODS}/a/binding`, { target: { name: 'n1' } });
    await api.patch('merge', `${PODS}/a`, { metadata: { labels: { app: 'other' } } });
    expect(told(await events)).toEqual([
      ['ADDED', 'a'],
      ['DELETED', 'a'],
    ]);
  });

  test('from before a compaction ends with an ERROR event of code 410', async () => {
    const api = new TestApi();
    await api.post(CONFIG_MAPS, configMap('a'));
    api.server.compact();
    const events = await api.events(CONFIG_MAPS, { resourceVersion: '1' }, 5);
    expect(events).toEqual([{ type: 'ERROR', object: expect.objectContaining({ code: 410, reason: 'Expired' }) }]);
  });

  test('that falls behind the kept history is told so instead of missing events', async () => {
    const api = new TestApi({ historyLimit: 2, latencyMs: 1000 });
    const events = api.events(CONFIG_MAPS, {}, 10);
    const writes = Array.from({ length: 8 }, (_, index) => api.post(CONFIG_MAPS, configMap(`c${index}`)));
    await api.clock.advance(10_000);
    await Promise.all(writes);
    expect((await events).at(-1)).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  test('ends after timeoutSeconds, with a bookmark of the newest version where asked for', async () => {
    const api = new TestApi();
    const events = api.events(CONFIG_MAPS, { timeoutSeconds: '5', allowWatchBookmarks: 'true' }, 10);
    await api.post(PODS, pod('elsewhere'));
    const revision = await revisionOf(api);
    await api.clock.advance(5_000);
    expect(await events).toMatchObject([
      { type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { resourceVersion: revision } } },
    ]);
  });

  test('brings a bookmark every minute where asked for', async () => {
    const api = new TestApi();
    const events = api.events(CONFIG_MAPS, { allowWatchBookmarks: 'true' }, 2);
    await api.clock.advance(119_000);
    await api.clock.advance(1_000);
    expect((await events).map(event => event.type)).toEqual(['BOOKMARK', 'BOOKMARK']);
  });

  test('brings no bookmark unasked', async () => {
    const api = new TestApi();
    const events = api.events(CONFIG_MAPS, { timeoutSeconds: '200' }, 10);
    await api.clock.advance(200_000);
    expect(await events).toEqual([]);
  });

  test.each([
    ['a version to come', CONFIG_MAPS, { resourceVersion: '9999' }, 504],
    ['an unknown field', CONFIG_MAPS, { fieldSelector: 'data.a=b' }, 400],
    ['initial events', CONFIG_MAPS, { sendInitialEvents: 'true' }, 422],
    ['an unknown resource', '/api/v1/namespaces/default/ingresses', {}, 404],
  ])('is refused for %s', async (_what, path, query, status) => {
    const api = new TestApi();
    await expect(api.events(path, query as Record<string, string>, 1)).rejects.toMatchObject({ status });
  });
});
