import type { KubeObject } from '../../../common/kube/objects.ts';
import type { KubeResponse, WatchEvent } from '../../../common/kube/transport.ts';
import { eventually } from '../eventually.ts';
import { ask, type Side, watchUntil } from '../side.ts';
import {
  asAnswer,
  type ComparedRequest,
  create,
  get,
  patch,
  put,
  type Query,
  remove,
  tableOnly,
  versionOf,
} from './compared-request.ts';
import type { ComparedKind } from './kinds.ts';

/** The product's object, and kubectl's. */
const [ours, theirs] = ['differential-one', 'differential-two'];
const page = '500';

/** What kubectl adds, each with the manager of its verb. */
function asKubectl(verb: string): Query {
  return { fieldManager: `kubectl-${verb}`, fieldValidation: 'Strict' };
}

/** An object of this kind from its creation to its end, in the product's requests and in kubectl's. */
export function objectLife(compared: ComparedKind): ComparedRequest[] {
  return [...creation(compared), ...reading(compared), ...watching(compared), ...change(compared), ...end(compared)];
}

function creation({ kind, path, body, ...rest }: ComparedKind): ComparedRequest[] {
  const shown = own(rest);
  return [
    { name: `create a ${kind}`, send: async side => shown(await create(side, path, labelled(body(ours)))) },
    {
      name: `create a ${kind} as kubectl does`,
      send: async side => shown(await create(side, path, labelled(body(theirs)), asKubectl('create'))),
    },
    { name: `get a ${kind}`, send: async side => shown(await get(side, `${path}/${ours}`)) },
    { name: `create a ${kind} of the same name`, send: side => create(side, path, labelled(body(ours))) },
  ];
}

function reading({ kind, path, ...rest }: ComparedKind): ComparedRequest[] {
  const byName = { fieldSelector: `metadata.name=${theirs}` };
  const byLabel = { labelSelector: 'life' };
  const lists: Readonly<Record<string, Query>> = {
    [`list every ${kind}`]: {},
    [`list a page of ${kind}s`]: { limit: page },
    [`list ${kind}s by name`]: { ...byName, limit: page },
    [`list ${kind}s by name from the cache`]: { ...byName, limit: page, resourceVersion: '0' },
    [`list ${kind}s by label`]: byLabel,
    [`list a page of ${kind}s by label`]: { ...byLabel, limit: page },
  };
  return [
    ...Object.entries(lists).map(([name, query]) => ({
      name,
      // What comes from a cache may be a little late.
      send: (side: Side) => eventually(side, async () => ownItems(await get(side, path, query), rest), hasItems),
    })),
    {
      name: `list ${kind}s as a Table`,
      send: async side => ownRows(await ask(side, 'GET', path, { accept: tableOnly, query: { limit: page } }), rest),
    },
  ];
}

function watching({ kind, path, ...rest }: ComparedKind): ComparedRequest[] {
  const selections: Readonly<Record<string, Query>> = {
    [`watch ${kind}s`]: {},
    [`watch ${kind}s by name`]: { fieldSelector: `metadata.name=${ours}` },
  };
  return Object.entries(selections).map(([name, selection]) => ({
    name,
    async send(side) {
      const resourceVersion = await versionOf(side, path);
      const query = { ...selection, allowWatchBookmarks: 'true', resourceVersion, timeoutSeconds: '30' };
      const isOurs = (event: WatchEvent) =>
        event.type === 'ERROR' || event.object.metadata.annotations?.watched === name;
      const watching = watchUntil(side, path, query, isOurs);
      await patch(side, `${path}/${ours}`, 'merge', { metadata: { annotations: { watched: name } } });
      const last = (await watching.catch(asRefusal)).slice(-1);
      return asAnswer(last.map(event => ({ ...event, object: plain(event.object, rest) }) as WatchEvent));
    },
  }));
}

function change({ kind, path, body, ...rest }: ComparedKind): ComparedRequest[] {
  const shown = own(rest);
  const labels = (value: string) => ({ labels: { changed: value } });
  const patches = (['merge', 'strategic', 'json'] as const).flatMap((type): ComparedRequest[] => {
    const operations = [{ op: 'add', path: '/metadata/labels/changed', value: 'json' }];
    const change = type === 'json' ? operations : { metadata: labels(type) };
    const manager = { fieldManager: 'kubectl-patch' };
    return [
      {
        name: `${type} patch of a ${kind}`,
        send: async side => shown(await patch(side, `${path}/${ours}`, type, change)),
      },
      {
        name: `${type} patch of a ${kind} as kubectl does`,
        send: async side => shown(await patch(side, `${path}/${theirs}`, type, change, manager)),
      },
    ];
  });
  return [
    ...patches,
    {
      name: `put a ${kind}`,
      send: async side => shown(await putAsRead(side, `${path}/${ours}`, labels('put'))),
    },
    {
      name: `put a ${kind} as kubectl does`,
      send: async side => shown(await putAsRead(side, `${path}/${theirs}`, labels('put'), asKubectl('replace'))),
    },
    {
      name: `put an old version of a ${kind}`,
      async send(side) {
        const { body: old } = await get(side, `${path}/${ours}`);
        await patch(side, `${path}/${ours}`, 'merge', { metadata: labels('newer') });
        return put(side, `${path}/${ours}`, old as object);
      },
    },
    {
      name: `put a ${kind} without a version`,
      async send(side) {
        const { body: read } = await get(side, `${path}/${theirs}`);
        const { metadata = {}, ...kept } = read as { metadata?: Record<string, unknown> };
        const { resourceVersion: _, ...unversioned } = metadata;
        return shown(await put(side, `${path}/${theirs}`, { ...kept, metadata: unversioned }));
      },
    },
    {
      name: `merge patch of an old version of a ${kind}`,
      async send(side) {
        const resourceVersion = '1';
        return patch(side, `${path}/${ours}`, 'merge', { metadata: { resourceVersion, ...labels('old') } });
      },
    },
  ];
}

function end({ kind, path, lingers, ...rest }: ComparedKind): ComparedRequest[] {
  const shown = own(rest);
  const isGone: ComparedRequest = { name: `get a ${kind} that is gone`, send: side => get(side, `${path}/${ours}`) };
  return [
    {
      name: `delete a ${kind} of another version`,
      send: side => remove(side, `${path}/${ours}`, { preconditions: { resourceVersion: '1' } }),
    },
    { name: `delete a ${kind}`, send: async side => shown(await remove(side, `${path}/${ours}`)) },
    ...(lingers ? [] : [isGone]),
    {
      name: `delete a ${kind} as kubectl does`,
      send: async side => shown(await remove(side, `${path}/${theirs}`, { propagationPolicy: 'Background' })),
    },
  ];
}

/** As it was read, with a change. Whoever else writes it may come between. */
function putAsRead(side: Side, path: string, metadata: object, query: Query = {}): Promise<KubeResponse> {
  const attempt = async () => {
    const read = (await get(side, path)).body as KubeObject;
    return put(side, path, { ...read, metadata: { ...read.metadata, ...metadata } }, query);
  };
  return eventually(side, attempt, ({ status }) => status !== 409);
}

function labelled(body: object): object {
  const { metadata, ...rest } = body as { metadata: { labels?: object } };
  return { ...rest, metadata: { ...metadata, labels: { ...metadata.labels, life: '' } } };
}

type Foreign = Pick<ComparedKind, 'foreign'>;

function own(kind: Foreign): (answer: KubeResponse) => KubeResponse {
  return ({ status, body }) => ({ status, body: status < 300 ? plain(body, kind) : body });
}

/** Without what controllers write. */
function plain(object: unknown, { foreign = [] }: Foreign): unknown {
  const { status, metadata, ...rest } = object as { status?: unknown; metadata: Record<string, unknown> };
  const { annotations, ...kept } = metadata ?? {};
  return {
    ...rest,
    metadata: { ...kept, ...(!foreign.includes('annotations') && annotations !== undefined && { annotations }) },
    ...(!foreign.includes('status') && status !== undefined && { status }),
  };
}

function isOwn({ metadata }: KubeObject): boolean {
  return metadata.name === ours || metadata.name === theirs;
}

function ownItems({ status, body }: KubeResponse, kind: Foreign): KubeResponse {
  const list = body as { items?: readonly KubeObject[] };
  return { status, body: { ...list, items: list.items?.filter(isOwn).map(item => plain(item, kind)) } };
}

function hasItems({ body }: KubeResponse): boolean {
  return (body as { items?: readonly unknown[] }).items?.length !== 0;
}

function ownRows({ status, body }: KubeResponse, kind: Foreign): KubeResponse {
  const table = body as { rows?: readonly { object: KubeObject }[] };
  const rows = table.rows?.filter(({ object }) => isOwn(object));
  return { status, body: { ...table, rows: rows?.map(row => ({ ...row, object: plain(row.object, kind) })) } };
}

/** A watch that is refused, told as its only event. */
function asRefusal(error: Error): WatchEvent[] {
  return [{ type: 'ERROR', object: { message: error.message } as never }];
}
