import { ask, paths, type Side, succeed } from '../side.ts';
import { configMap, deployment } from './bodies.ts';
import { type ComparedRequest, create, get, made, patch, put } from './compared-request.ts';

const { configMaps, deployments } = paths;
const written = `${configMaps}/written`;

/** What writes are refused for, and what patches mean. */
export const writes: readonly ComparedRequest[] = [
  { name: 'create one with an impossible name', send: side => create(side, configMaps, configMap('No_Name')) },
  { name: 'create one without a name', send: side => create(side, configMaps, configMap('')) },
  {
    name: 'create one with a generated name',
    send: side => create(side, configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'g-' } }),
  },
  {
    name: 'create one with a version',
    send: side => create(side, configMaps, configMap('v', { resourceVersion: '1' })),
  },
  {
    name: 'create one in a namespace that is not there',
    send: side => create(side, '/api/v1/namespaces/none/configmaps', configMap('a')),
  },
  {
    name: 'create one of another namespace',
    send: side => create(side, configMaps, configMap('a', { namespace: 'default' })),
  },
  { name: 'get one that is not there', send: side => get(side, `${configMaps}/none`) },
  { name: 'get from a resource that is not there', send: side => get(side, '/api/v1/namespaces/default/nothings') },
  { name: 'post to an object', send: side => create(side, `${configMaps}/written`, configMap('written')) },
  {
    name: 'merge patch that takes a key away',
    async send(side) {
      await made(side, configMaps, configMap('written'));
      return patch(side, written, 'merge', { data: { key: null, other: 'b' } });
    },
  },
  { name: 'patch that changes nothing', send: changesNothing },
  { name: 'merge patch of what is not there', send: side => patch(side, `${configMaps}/none`, 'merge', {}) },
  {
    name: 'JSON patch',
    send: side => patch(side, written, 'json', [{ op: 'replace', path: '/data/other', value: 'c' }]),
  },
  {
    name: 'JSON patch whose test fails',
    send: side => patch(side, written, 'json', [{ op: 'test', path: '/data/other', value: 'z' }]),
  },
  {
    name: 'JSON patch that takes away what is not there',
    send: side => patch(side, written, 'json', [{ op: 'remove', path: '/data/none' }]),
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
      return specOf(await patch(side, `${deployments}/patched`, 'strategic', body));
    },
  },
  {
    name: 'strategic patch that takes a container away',
    async send(side) {
      const containers = [{ name: 'side', $patch: 'delete' }];
      const body = { spec: { template: { spec: { containers } } } };
      return specOf(await patch(side, `${deployments}/patched`, 'strategic', body));
    },
  },
  {
    name: 'patch of a type that is none',
    send: side => ask(side, 'PATCH', written, { body: {}, contentType: 'application/json' }),
  },
  { name: 'patch with another UID', send: side => patch(side, written, 'merge', { metadata: { uid: 'another' } }) },
  {
    name: 'put with another UID',
    async send(side) {
      const { metadata, ...rest } = await succeed(get(side, written));
      const { resourceVersion: _, ...kept } = metadata;
      return put(side, written, { ...rest, metadata: { ...kept, uid: 'another' } });
    },
  },
  { name: 'put under another name', send: side => put(side, written, configMap('other')) },
];

/** Whether the version stayed. */
async function changesNothing(side: Side) {
  const before = await succeed(get(side, written));
  const { status, body } = await patch(side, written, 'merge', { metadata: { labels: null } });
  const { metadata } = body as { metadata: { resourceVersion: string } };
  return { status, body: { sameVersion: before.metadata.resourceVersion === metadata.resourceVersion } };
}

/** The controller notes the revision whenever it comes to it. */
function specOf({ status, body }: { status: number; body: unknown }) {
  return { status, body: (body as { spec?: unknown }).spec };
}
