import type { KubeResponse, WatchEvent } from '../../../common/kube/transport.ts';
import { paths, type Side, succeed, watchUntil } from '../side.ts';
import { configMap } from './bodies.ts';
import { asAnswer, type ComparedRequest, made, patch, type Query, remove, versionOf } from './compared-request.ts';

const { configMaps } = paths;

/** What watches tell, how they end, and what they are refused for. */
export const watches: readonly ComparedRequest[] = [
  { name: 'watch three changes', send: watchedChanges },
  { name: 'watch what enters and leaves a selector', send: movements },
  {
    name: 'watch from now',
    send: async side => asAnswer(await watchUntil(side, configMaps, { labelSelector: 'page=b' }, () => true)),
  },
  { name: 'watch with bookmarks until the server ends it', send: bookmarks },
  { name: 'watch without bookmarks until the server ends it', send: side => endOf(side, { timeoutSeconds: '1' }) },
  { name: 'watch from a version that is gone', send: expiredWatch },
  { name: 'watch from a version that is none', send: side => endOf(side, { resourceVersion: 'new' }) },
  { name: 'watch by a broken selector', send: side => endOf(side, { labelSelector: 'a in (' }) },
  { name: 'watch a resource that is not there', send: side => endOf(side, {}, '/api/v1/nothings') },
  {
    name: 'watch with the present state as events',
    send: side =>
      endOf(side, {
        ...{ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' },
        ...{ labelSelector: 'page=b', timeoutSeconds: '1' },
      }),
  },
];

async function watchedChanges(side: Side): Promise<KubeResponse> {
  const query = { labelSelector: 'watched' };
  const resourceVersion = await versionOf(side, configMaps, query);
  const watching = watchUntil(side, configMaps, { ...query, resourceVersion }, isDeletion);
  await made(side, configMaps, configMap('seen', { labels: { watched: '' } }));
  await succeed(patch(side, `${configMaps}/seen`, 'merge', { data: { key: 'changed' } }));
  await succeed(remove(side, `${configMaps}/seen`));
  return asAnswer(await watching);
}

async function movements(side: Side): Promise<KubeResponse> {
  const query = { labelSelector: 'inside' };
  const resourceVersion = await versionOf(side, configMaps, query);
  const watching = watchUntil(side, configMaps, { ...query, resourceVersion }, isDeletion);
  await made(side, configMaps, configMap('moving'));
  for (const inside of ['', null]) {
    await succeed(patch(side, `${configMaps}/moving`, 'merge', { metadata: { labels: { inside } } }));
  }
  return asAnswer(await watching);
}

function isDeletion({ type }: WatchEvent): boolean {
  return type === 'DELETED';
}

/** The types of the events only: when bookmarks come is no promise, that one comes before the end is. */
async function bookmarks(side: Side): Promise<KubeResponse> {
  const query = { labelSelector: 'page', allowWatchBookmarks: 'true', timeoutSeconds: '4' };
  const events = await watchUntil(side, configMaps, query, () => false);
  return { status: 200, body: [...new Set(events.map(({ type }) => type))] };
}

/** Events are read from the store itself, so what it has forgotten no cache knows. */
async function expiredWatch(side: Side): Promise<KubeResponse> {
  await side.forget();
  const query = { resourceVersion: '1', timeoutSeconds: '5' };
  return asAnswer(await watchUntil(side, '/api/v1/namespaces/default/events', query, () => true));
}

/** All that a watch tells before the server ends it. */
async function endOf(side: Side, query: Query, path: string = configMaps): Promise<KubeResponse> {
  const selected = { labelSelector: 'never=there', ...query };
  return asAnswer(await watchUntil(side, path, selected, () => false));
}
