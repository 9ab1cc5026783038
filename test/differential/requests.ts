/** Requests in a fixed order, each with what it needs; the answers of two servers to them are compared. */
import type { KubeObject } from '../../common/kube/objects.ts';
import type { KubeResponse, WatchEvent } from '../../common/kube/transport.ts';
import { ask, paths, type Side, succeed, watchUntil } from './side.ts';

export interface ComparedRequest {
  readonly name: string;
  /** Sends it, after what it needs to stand on; the answer to the named one. */
  send(side: Side): Promise<KubeResponse>;
}

const contentTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const { configMaps, deployments, leases, pods, serviceAccounts, services, tokenReviews } = paths;

function configMap(name: string, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data: { key: 'value' } };
}

function pod(name: string, spec: object = {}): object {
  const containers = [{ name: 'web', image: 'pause', ports: [{ containerPort: 80 }] }];
  // No scheduler takes it, so it stays as it was made.
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { schedulerName: 'nobody', containers, ...spec },
  };
}

function deployment(name: string): object {
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'pause' }] } };
  const spec = { replicas: 0, selector: { matchLabels: { app: name } }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};

const create = (side: Side, path: string, body: object) => ask(side, 'POST', path, { body });
const get = (side: Side, path: string, query: Record<string, string> = {}) => ask(side, 'GET', path, { query });
const made = (side: Side, path: string, body: object) => succeed(create(side, path, body));
const remove = (side: Side, path: string, body?: object) => ask(side, 'DELETE', path, body ? { body } : {});

function patch(side: Side, path: string, type: keyof typeof contentTypes, body: unknown): Promise<KubeResponse> {
  return ask(side, 'PATCH', path, { body, contentType: contentTypes[type] });
}

async function secondPage(side: Side): Promise<KubeResponse> {
  const query = { labelSelector: 'page', limit: '2' };
  const first = (await succeed(get(side, configMaps, query))) as KubeObject & { metadata: { continue?: string } };
  return get(side, configMaps, { ...query, continue: first.metadata.continue ?? '' });
}

async function token(side: Side, audience: string): Promise<string> {
  const body = { spec: { audiences: [audience], expirationSeconds: 600 } };
  const answer = await succeed(create(side, `${serviceAccounts}/default/token`, body));
  return (answer as KubeObject & { status: { token: string } }).status.token;
}

function review(side: Side, spec: object): Promise<KubeResponse> {
  return create(side, tokenReviews, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
}

/** Kubelets and controllers write the status whenever they come to it. */
function withoutStatus({ status, body }: KubeResponse): KubeResponse {
  const { status: _, ...rest } = body as Record<string, unknown>;
  return { status, body: rest };
}

/** The events as if they were an answer. */
function asAnswer(events: readonly WatchEvent[]): KubeResponse {
  return { status: 200, body: events };
}

async function watchedChanges(side: Side): Promise<KubeResponse> {
  const { metadata } = await succeed(get(side, configMaps, { labelSelector: 'watched' }));
  const { resourceVersion = '' } = metadata;
  const watching = watchUntil(side, configMaps, { labelSelector: 'watched', resourceVersion }, isDeletion);
  await made(side, configMaps, configMap('seen', { labels: { watched: '' } }));
  await succeed(patch(side, `${configMaps}/seen`, 'merge', { data: { key: 'changed' } }));
  await succeed(remove(side, `${configMaps}/seen`));
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

/** A write meant for an object that another of the same name has replaced. */
function toAnother(side: Side, path: string, type: 'merge' | 'strategic'): Promise<KubeResponse> {
  return patch(side, path, type, { metadata: { uid: 'another' }, status: {} });
}

export const requests: readonly ComparedRequest[] = [
  { name: 'create a ConfigMap', send: side => create(side, configMaps, configMap('a')) },
  { name: 'create it again', send: side => create(side, configMaps, configMap('a')) },
  { name: 'create one with an impossible name', send: side => create(side, configMaps, configMap('No_Name')) },
  {
    name: 'create one with a generated name',
    send: side => create(side, configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'g-' } }),
  },
  { name: 'get it', send: side => get(side, `${configMaps}/a`) },
  { name: 'get one that is not there', send: side => get(side, `${configMaps}/none`) },
  { name: 'get from a resource that is not there', send: side => get(side, '/api/v1/namespaces/default/nothings') },
  {
    name: 'list the first page',
    async send(side) {
      for (const name of ['p1', 'p2', 'p3']) await made(side, configMaps, configMap(name, { labels: { page: '' } }));
      return get(side, configMaps, { labelSelector: 'page', limit: '2' });
    },
  },
  { name: 'list the last page', send: secondPage },
  { name: 'list with a broken continue token', send: side => get(side, configMaps, { limit: '2', continue: '!' }) },
  { name: 'list by name', send: side => get(side, configMaps, { fieldSelector: 'metadata.name=p2' }) },
  { name: 'list by a broken selector', send: side => get(side, configMaps, { labelSelector: 'a in (' }) },
  {
    name: 'list by a field that cannot be asked for',
    send: side => get(side, configMaps, { fieldSelector: 'data.key=a' }),
  },
  { name: 'watch three changes', send: watchedChanges },
  { name: 'watch with bookmarks until the server ends it', send: bookmarks },
  { name: 'watch from a version that is gone', send: expiredWatch },
  { name: 'merge patch', send: side => patch(side, `${configMaps}/a`, 'merge', { data: { key: null, other: 'b' } }) },
  {
    name: 'JSON patch',
    send: side => patch(side, `${configMaps}/a`, 'json', [{ op: 'replace', path: '/data/other', value: 'c' }]),
  },
  {
    name: 'JSON patch whose test fails',
    send: side => patch(side, `${configMaps}/a`, 'json', [{ op: 'test', path: '/data/other', value: 'z' }]),
  },
  {
    name: 'strategic patch of one container',
    async send(side) {
      await made(side, deployments, deployment('patched'));
      const containers = [
        { name: 'web', env: [{ name: 'A', value: '1' }] },
        { name: 'side', image: 'echo' },
      ];
      const body = { spec: { template: { spec: { containers } } } };
      const { status, body: patched } = await patch(side, `${deployments}/patched`, 'strategic', body);
      // The controller notes the revision whenever it comes to it.
      return { status, body: (patched as { spec?: unknown }).spec };
    },
  },
  {
    name: 'patch of a type that is none',
    send: side => ask(side, 'PATCH', `${configMaps}/a`, { body: {}, contentType: 'application/json' }),
  },
  {
    name: 'patch with another UID',
    send: side => patch(side, `${configMaps}/a`, 'merge', { metadata: { uid: 'another' } }),
  },
  {
    name: 'put with another UID',
    async send(side) {
      const { metadata, ...rest } = await succeed(get(side, `${configMaps}/a`));
      const { resourceVersion: _, ...kept } = metadata;
      return ask(side, 'PUT', `${configMaps}/a`, { body: { ...rest, metadata: { ...kept, uid: 'another' } } });
    },
  },
  {
    name: 'put an old version',
    async send(side) {
      const old = await succeed(get(side, `${configMaps}/a`));
      await succeed(patch(side, `${configMaps}/a`, 'merge', { data: { key: 'newer' } }));
      return ask(side, 'PUT', `${configMaps}/a`, { body: old });
    },
  },
  {
    name: 'delete with the UID of another',
    send: side => remove(side, `${configMaps}/a`, { preconditions: { uid: 'another' } }),
  },
  { name: 'delete', send: side => remove(side, `${configMaps}/a`) },
  { name: 'delete what is gone', send: side => remove(side, `${configMaps}/a`) },
  {
    name: 'delete what has a finalizer',
    async send(side) {
      await made(side, configMaps, configMap('held', { finalizers: ['example.com/hold'] }));
      return remove(side, `${configMaps}/held`);
    },
  },
  {
    name: 'take the finalizer away',
    async send(side) {
      await succeed(patch(side, `${configMaps}/held`, 'merge', { metadata: { finalizers: null } }));
      return get(side, `${configMaps}/held`);
    },
  },
  { name: 'create a Pod', send: side => create(side, pods, pod('waiting')) },
  {
    name: 'delete a Pod of no node',
    async send(side) {
      await remove(side, `${pods}/waiting`);
      return get(side, `${pods}/waiting`);
    },
  },
  {
    name: 'delete a Pod gracefully',
    async send(side) {
      const held = { metadata: { name: 'bound', finalizers: ['example.com/hold'] } };
      await made(side, pods, { ...pod('bound', { nodeName: side.node }), ...held });
      return withoutStatus(await remove(side, `${pods}/bound`, { gracePeriodSeconds: 20 }));
    },
  },
  {
    name: 'delete it again with less grace',
    async send(side) {
      const answer = await remove(side, `${pods}/bound`, { gracePeriodSeconds: 5 });
      await succeed(patch(side, `${pods}/bound`, 'merge', { metadata: { finalizers: null } }));
      return withoutStatus(answer);
    },
  },
  {
    name: 'evict a Pod',
    async send(side) {
      await made(side, pods, pod('evicted'));
      return evict(side, 'evicted');
    },
  },
  { name: 'evict a Pod that is not there', send: side => evict(side, 'none') },
  {
    name: 'patch the status of a Pod',
    async send(side) {
      await made(side, pods, pod('judged'));
      const conditions = [{ type: 'example.com/gate', status: 'True' }];
      const body = { metadata: { labels: { ignored: '' } }, status: { conditions } };
      await succeed(patch(side, `${pods}/judged/status`, 'strategic', body));
      const { status } = (await succeed(get(side, `${pods}/judged`))) as KubeObject & {
        status: { conditions: object[] };
      };
      return {
        status: 200,
        body: status.conditions.filter(condition => 'type' in condition && condition.type === 'example.com/gate'),
      };
    },
  },
  {
    name: 'change what is fixed in a Pod',
    send: side => patch(side, `${pods}/judged`, 'merge', { spec: { nodeName: 'x' } }),
  },
  { name: 'create a Service', send: side => create(side, services, service) },
  {
    name: 'patch the status of a Pod with another UID',
    send: side => toAnother(side, `${pods}/judged/status`, 'strategic'),
  },
  {
    name: 'patch the status of a Service with another UID',
    send: side => toAnother(side, `${services}/web/status`, 'merge'),
  },
  { name: 'read a scale', send: side => get(side, `${deployments}/patched/scale`) },
  {
    name: 'change a scale',
    send: side => patch(side, `${deployments}/patched/scale`, 'merge', { spec: { replicas: 0 } }),
  },
  {
    name: 'put a Lease without its version',
    async send(side) {
      const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: {} };
      await made(side, leases, lease);
      return ask(side, 'PUT', `${leases}/l`, { body: lease });
    },
  },
  {
    name: 'review a token',
    send: async side => review(side, { token: await token(side, 'clb-direct'), audiences: ['clb-direct'] }),
  },
  {
    name: 'review a token for another audience',
    send: async side => review(side, { token: await token(side, 'clb-direct'), audiences: ['other'] }),
  },
  { name: 'review an invented token', send: side => review(side, { token: 'invented', audiences: ['clb-direct'] }) },
  {
    name: 'list Pods as a Table',
    send: side => ask(side, 'GET', pods, { accept: table, query: { labelSelector: 'app=judged' } }),
  },
  { name: 'list Services as a Table', send: side => ask(side, 'GET', services, { accept: table }) },
  { name: 'list Deployments as a Table', send: side => ask(side, 'GET', deployments, { accept: table }) },
];

function evict(side: Side, name: string): Promise<KubeResponse> {
  return create(side, `${pods}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });
}
