import type { KubeObject } from '../../../common/kube/objects.ts';
import type { KubeResponse } from '../../../common/kube/transport.ts';
import { paths, type Side, succeed } from '../side.ts';
import { configMap, pod } from './bodies.ts';
import { type ComparedRequest, get, made, type Query } from './compared-request.ts';

const { configMaps, pods } = paths;

/** Those of the table's own ConfigMaps that the selectors choose among. */
const [page, ours] = [{ labelSelector: 'page', limit: '2' }, 'page in (a,b,c)'];

/** Pages, selectors, versions, and what lists are refused for. */
export const lists: readonly ComparedRequest[] = [
  {
    name: 'list the first page',
    async send(side) {
      for (const [name, value] of Object.entries({ p1: 'a', p2: 'b', p3: 'c' }))
        await made(side, configMaps, configMap(name, { labels: { page: value } }));
      return get(side, configMaps, page);
    },
  },
  { name: 'list the last page', send: secondPage },
  {
    name: 'list the last page after a change',
    async send(side) {
      const first = await firstPage(side);
      await made(side, configMaps, configMap('p4', { labels: { page: 'd' } }));
      return namesOf(await get(side, configMaps, { ...page, continue: first }));
    },
  },
  { name: 'list with a broken continue token', send: side => get(side, configMaps, { limit: '2', continue: '!' }) },
  { name: 'list a page with a version beside the token', send: side => versionBesideToken(side) },
  ...selections(['page=b', 'page!=b', 'page in (a,b)', 'page notin (a)', '!page', 'page', 'page=a,page=b']),
  {
    name: 'list but one by name',
    send: async side =>
      namesOf(await get(side, configMaps, { labelSelector: ours, fieldSelector: 'metadata.name!=p2' })),
  },
  {
    name: 'list Pods of a node and phase',
    async send(side) {
      await made(side, pods, pod('p9'));
      return namesOf(await get(side, pods, { fieldSelector: 'spec.nodeName=,status.phase=Pending,metadata.name=p9' }));
    },
  },
  { name: 'list by a broken selector', send: side => get(side, configMaps, { labelSelector: 'a in (' }) },
  { name: 'list by a broken field selector', send: side => get(side, configMaps, { fieldSelector: 'metadata.name' }) },
  {
    name: 'list by a field that cannot be asked for',
    send: side => get(side, configMaps, { fieldSelector: 'data.key=a' }),
  },
  { name: 'list with a limit that is none', send: side => get(side, configMaps, { limit: 'many' }) },
  { name: 'list from a version that is none', send: side => get(side, configMaps, { resourceVersion: 'new' }) },
  {
    name: 'list exactly a version that was before',
    async send(side) {
      const before = await succeed(get(side, configMaps, { labelSelector: ours }));
      await made(side, configMaps, configMap('p5', { labels: { page: 'a' } }));
      const { resourceVersion = '' } = before.metadata;
      const query = { labelSelector: ours, resourceVersion, resourceVersionMatch: 'Exact' };
      return namesOf(await get(side, configMaps, query));
    },
  },
];

function selections(selectors: readonly string[]): ComparedRequest[] {
  return selectors.map(labelSelector => ({
    name: `list by the selector "${labelSelector}"`,
    send: async side => namesOf(await get(side, configMaps, { labelSelector })),
  }));
}

async function firstPage(side: Side): Promise<string> {
  const first = (await succeed(get(side, configMaps, page))) as KubeObject & { metadata: { continue?: string } };
  return first.metadata.continue ?? '';
}

async function secondPage(side: Side): Promise<KubeResponse> {
  return get(side, configMaps, { ...page, continue: await firstPage(side) });
}

async function versionBesideToken(side: Side): Promise<KubeResponse> {
  const query: Query = { ...page, continue: await firstPage(side), resourceVersion: '1' };
  return get(side, configMaps, query);
}

/** Those that were made for the selectors. */
function namesOf({ status, body }: KubeResponse): KubeResponse {
  const { items } = body as { items?: readonly KubeObject[] };
  if (!items) return { status, body };
  return { status, body: items.map(({ metadata }) => metadata.name).filter(name => /^p\d$/.test(name)) };
}
