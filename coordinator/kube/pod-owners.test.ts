import { beforeEach, expect, test } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { TestApi } from '../../sandbox/kube/api/fixtures.ts';
import { PodOwners } from './pod-owners.ts';

const PODS = '/api/v1/namespaces/default/pods';
const REPLICA_SETS = '/apis/apps/v1/namespaces/default/replicasets';

let api: TestApi;

beforeEach(() => {
  api = new TestApi();
});

test('the owner of a Deployment’s Pod is the Deployment', async () => {
  const replicaSet = await makeReplicaSet([reference('apps/v1', 'Deployment', 'web', 'd-uid')]);
  const uid = await makePod([reference('apps/v1', 'ReplicaSet', 'web-1', replicaSet)]);
  expect(await ownerOf(uid)).toEqual({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'default',
    name: 'web',
    uid: 'd-uid',
  });
});

test('of a ReplicaSet that nobody controls it is the ReplicaSet', async () => {
  const replicaSet = await makeReplicaSet([]);
  const uid = await makePod([reference('apps/v1', 'ReplicaSet', 'web-1', replicaSet)]);
  expect(await ownerOf(uid)).toMatchObject({ kind: 'ReplicaSet', name: 'web-1', uid: replicaSet });
});

test('of a ReplicaSet that is gone it is that all the same', async () => {
  const uid = await makePod([reference('apps/v1', 'ReplicaSet', 'web-1', 'gone')]);
  expect(await ownerOf(uid)).toMatchObject({ kind: 'ReplicaSet', name: 'web-1' });
});

test.each([
  ['StatefulSet', 'apps/v1'],
  ['DaemonSet', 'apps/v1'],
  ['CloneSet', 'apps.kruise.io/v1alpha1'],
  ['ReplicaSet', 'extensions.example.com/v1'],
])('of a Pod that a %s of %s controls it is that', async (kind, apiVersion) => {
  const uid = await makePod([reference(apiVersion, kind, 'web', 'owner-uid')]);
  expect(await ownerOf(uid)).toEqual({ apiVersion, kind, namespace: 'default', name: 'web', uid: 'owner-uid' });
});

test('of a Pod that nobody controls it is the Pod', async () => {
  const uid = await makePod([{ ...reference('v1', 'ConfigMap', 'other', 'c-uid'), controller: false }]);
  expect(await ownerOf(uid)).toEqual({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-1-x', uid });
});

test('whoever asks about the same Pod at the same time is told as well', async () => {
  const uid = await makePod([]);
  const owners = new PodOwners({
    transport: api.transport,
    clock: api.clock,
    random: seededRandom(1),
    onError: () => {},
  });
  const stop = new AbortController();
  void owners.run(stop.signal);
  const told: string[] = [];
  for (const who of ['one', 'other']) {
    owners.ask({
      podUid: uid,
      namespace: 'default',
      name: 'web-1-x',
      onOwner: ({ kind }) => told.push(`${who}: ${kind}`),
    });
  }
  await api.clock.advance(1_000);
  stop.abort();
  expect(told).toEqual(['one: Pod', 'other: Pod']);
});

test('nobody is told of a Pod that is gone, or that another one has the name of', async () => {
  expect(await ownerOf('gone')).toBeUndefined();
  await makePod([]);
  expect(await ownerOf('another')).toBeUndefined();
});

async function ownerOf(podUid: string) {
  let found: object | undefined;
  const errors: unknown[] = [];
  const owners = new PodOwners({
    transport: api.transport,
    clock: api.clock,
    random: seededRandom(1),
    onError: (_, error) => errors.push(error),
  });
  const stop = new AbortController();
  void owners.run(stop.signal);
  owners.ask({ podUid, namespace: 'default', name: 'web-1-x', onOwner: owner => (found = owner) });
  await api.clock.advance(1_000);
  stop.abort();
  expect(errors).toEqual([]);
  return found;
}

async function makePod(ownerReferences: object[]): Promise<string> {
  const metadata = { name: 'web-1-x', ownerReferences };
  const spec = { containers: [{ name: 'web', image: 'nginx' }] };
  return (await api.post(PODS, { metadata, spec })).body.metadata.uid ?? '';
}

async function makeReplicaSet(ownerReferences: object[]): Promise<string> {
  const metadata = { name: 'web-1', ownerReferences };
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };
  const spec = { replicas: 0, selector: { matchLabels: { app: 'web' } }, template };
  return (await api.post(REPLICA_SETS, { metadata, spec })).body.metadata.uid ?? '';
}

function reference(apiVersion: string, kind: string, name: string, uid: string) {
  return { apiVersion, kind, name, uid, controller: true };
}
