import { expect, test } from 'vitest';
import { DEFAULT_INSTANCE, instanceNames } from '../../../common/instance-names.ts';
import type { Pod, Service } from '../../../common/kube/objects.ts';
import { INSTANCE_LABEL } from '../../../common/names.ts';
import { SERVICES } from '../manifests.ts';
import { readyPods } from '../traffic.ts';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';
import { workload } from './workload.ts';

const INNER = instanceNames({ name: 'inner', hookPort: 19_450 });
const SHARED = 'lb-shared';
/** Who writes for which of the two. */
const COORDINATORS = { outer: /^coordinator-\d+$/, inner: /^coordinator-inner$/ };

interface ServiceOptions {
  readonly port?: number;
  readonly on?: string;
}

async function twoInstances(seed: number): Promise<Estate> {
  const estate = await Estate.make({ seed, coordinators: 1, secondInstance: INNER });
  estate.account.addLoadBalancer(SHARED);
  return estate;
}

/** A Service and its Pods, as somebody writes them who wants the second instance. */
async function openInner(estate: Estate, name: string, { port = 80, on }: ServiceOptions = {}): Promise<void> {
  await estate.deploy(name, { replicas: 2, labels: { [INSTANCE_LABEL]: INNER.name } });
  await estate.world.create(SERVICES, {
    metadata: { name, annotations: on === undefined ? {} : { 'service.kubernetes.io/tke-existed-lbid': on } },
    spec: {
      type: 'LoadBalancer',
      loadBalancerClass: INNER.loadBalancerClass,
      selector: { app: name },
      ports: [{ name: 'main', port, targetPort: 80 }],
    },
  });
  await estate.untilReady(name, 2);
}

async function podsOf(estate: Estate, app: string): Promise<readonly Pod[]> {
  return (await estate.world.pods()).filter(({ metadata }) => metadata.labels?.app === app);
}

function gatesIn(pods: readonly Pod[]): ReadonlySet<string> {
  return new Set(pods.flatMap(({ spec }) => spec.readinessGates?.map(({ conditionType }) => conditionType) ?? []));
}

/** Paths that a coordinator wrote, without Leases and Events. */
function writtenBy(estate: Estate, who: RegExp): readonly string[] {
  const writes = estate.world.apiWrites.filter(({ username, method }) => who.test(username) && method !== 'POST');
  return [...new Set(writes.map(({ path }) => path))].filter(path => !/\/(leases|events)\//.test(path));
}

/** Load balancers that a coordinator changed. */
function changedBy(estate: Estate, who: RegExp): ReadonlySet<unknown> {
  const calls = estate.world.journal.flatMap(record => (record.kind === 'call' ? [record] : []));
  const own = calls.filter(({ requestId, action }) => {
    const name = estate.world.clbCalls.get(requestId)?.process.name ?? '';
    return who.test(name) && !action.startsWith('Describe');
  });
  return new Set(own.flatMap(({ parameters }) => (parameters as { LoadBalancerId?: string }).LoadBalancerId ?? []));
}

function loadBalancerOf(service: Service | undefined): string | undefined {
  return service?.metadata.annotations?.['service.kubernetes.io/loadbalance-id'];
}

test('each of two instances gates, binds and drains the Pods of its own objects, and touches no others', async () => {
  const estate = await twoInstances(1);
  await estate.open('first', 2);
  await openInner(estate, 'second');
  expect(gatesIn(await podsOf(estate, 'first'))).toEqual(new Set([DEFAULT_INSTANCE.readinessGate]));
  expect(gatesIn(await podsOf(estate, 'second'))).toEqual(new Set([INNER.readinessGate]));
  const [outerId, innerId] = [
    loadBalancerOf(await estate.serviceOf('first')),
    loadBalancerOf(await estate.serviceOf('second')),
  ];
  expect(outerId).not.toBe(innerId);
  await estate.load('first');
  await estate.load('second');
  await estate.roll('first');
  await estate.roll('second');
  await estate.passes(MINUTE_MS);
  expect(changedBy(estate, COORDINATORS.outer)).toEqual(new Set([outerId]));
  expect(changedBy(estate, COORDINATORS.inner)).toEqual(new Set([innerId]));
  expect([COORDINATORS.outer, COORDINATORS.inner].map(who => writtenBy(estate, who).length > 0)).toEqual([true, true]);
  expect(writtenBy(estate, COORDINATORS.outer).filter(path => !/\/first(-|\/|$)/.test(path))).toEqual([]);
  expect(writtenBy(estate, COORDINATORS.inner).filter(path => !/\/second(-|\/|$)/.test(path))).toEqual([]);
  expect(await estate.end()).toEqual(UNHARMED);
});

test('a Service that leaves the one takes nothing of the other, be it on the same load balancer', async () => {
  const estate = await twoInstances(2);
  await estate.open('first', 2, { on: SHARED });
  await openInner(estate, 'second', { port: 81, on: SHARED });
  const marks = [80, 81].map(port => estate.account.targetsOn(SHARED, port, 'TCP')[0]?.tag.split(':')[1]);
  expect(new Set(marks).size).toBe(2);
  expect((await estate.serviceOf('second'))?.metadata.finalizers).toEqual([INNER.finalizer]);
  await estate.load('first');
  await estate.deleteService('second');
  await estate.until('it is gone', async () => (await estate.serviceOf('second')) === undefined);
  await estate.passes(MINUTE_MS);
  expect(estate.account.listenersOf(SHARED).map(({ port }) => port)).toEqual([80]);
  expect(await estate.end()).toEqual(UNHARMED);
});

test('objects without a class are the default instance’s alone', async () => {
  const estate = await twoInstances(3);
  await estate.open('first', 1);
  await estate.passes(MINUTE_MS);
  expect(writtenBy(estate, COORDINATORS.inner)).toEqual([]);
  expect(changedBy(estate, COORDINATORS.inner)).toEqual(new Set());
  expect((await estate.serviceOf('first'))?.metadata.finalizers).toEqual([DEFAULT_INSTANCE.finalizer]);
  expect(await estate.end()).toEqual(UNHARMED);
});

test('a Pod of the one that a Service of the other selects is bound, and its owner is told what it lacks', async () => {
  const estate = await twoInstances(4);
  await estate.world.create('/apis/apps/v1/namespaces/default/deployments', workload('second', { replicas: 1 }));
  await estate.world.create(SERVICES, {
    metadata: { name: 'second' },
    spec: {
      type: 'LoadBalancer',
      loadBalancerClass: INNER.loadBalancerClass,
      selector: { app: 'second' },
      ports: [{ name: 'main', port: 80 }],
    },
  });
  const events = async () => (await estate.world.events()).map(({ message }) => message);
  await estate.until('somebody is told', async () => (await events()).some(text => text.includes(INSTANCE_LABEL)));
  await estate.until('it is bound', async () => {
    const made = loadBalancerOf(await estate.serviceOf('second'));
    return made !== undefined && estate.account.targetsOn(made, 80, 'TCP').some(({ weight }) => weight > 0);
  });
  expect(await readyPods(estate.world, 'second')).toHaveLength(1);
  expect(await estate.end()).toEqual(UNHARMED);
});
