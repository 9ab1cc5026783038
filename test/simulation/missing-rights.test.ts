import { describe, expect, test } from 'vitest';
import { IngressEstate } from '../compatibility/ingress-estate.ts';
import { Estate, MINUTE_MS, UNHARMED } from './load-balancers/estate.ts';
import { World } from './world.ts';

const LB = 'lb-1';
const ROUTE = 'HTTP:80 a.com/ -> web';

/** A whole system whose coordinators may not read a resource. */
async function without(resource: string, seed: number): Promise<IngressEstate> {
  const world = new World({ seed });
  world.apiFaults.deny(resource);
  await world.start();
  return new IngressEstate(new Estate(world));
}

/** The codes of the Events on the coordinators' own Pods. */
async function codesOfReplicas({ estate }: IngressEstate): Promise<readonly string[]> {
  const events = await estate.world.events('clb-direct');
  return [...new Set(events.filter(each => each.reason === 'RightMissing').map(({ message }) => message))];
}

/** Nobody is left who has read anything before. */
async function restartLeader({ estate }: IngressEstate): Promise<void> {
  estate.killLeader();
  await estate.until('another replica leads', () => estate.world.leader() !== undefined);
  await estate.passes(MINUTE_MS);
}

describe('without the right to read Ingresses', () => {
  test('Services are served, gates of their Pods open, a rolling update loses nothing, and an Event names the right', async () => {
    const made = await without('ingresses', 1);
    const { estate } = made;
    await estate.open('web', 2);
    await estate.load('web');
    await estate.roll('web');
    const [message, ...others] = await codesOfReplicas(made);
    expect(message).toMatch(/^CD3006.*ingresses\.networking\.k8s\.io.*get, list and watch/);
    expect(others).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('a Service can be deleted with all that was made for it', async () => {
    const { estate } = await without('ingresses', 2);
    await estate.open('web', 2);
    await estate.deleteService('web');
    await estate.until('nothing is left', () => estate.account.loadBalancers().length === 0);
    await estate.until('the Service is gone', async () => (await estate.serviceOf('web')) === undefined);
    await estate.world.close();
  });

  test('the gate of a Pod that no Service selects stays as it is, and opens when the right is given', async () => {
    const { estate } = await without('ingresses', 3);
    await estate.deploy('alone', { replicas: 1 });
    await estate.passes(2 * MINUTE_MS);
    expect((await estate.gatesOf('alone')).map(({ status }) => status)).not.toContain('True');
    estate.world.apiFaults.allow('ingresses');
    await estate.untilReady('alone', 1);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('what an Ingress has stays, though a new leader knows nothing of it and a Service leaves its load balancer (L1)', async () => {
    const made = await IngressEstate.make({ seed: 4, coordinators: 1 });
    const { estate } = made;
    estate.account.addLoadBalancer(LB);
    await made.backend('web');
    await made.write('front', { annotations: { 'kubernetes.io/ingress.existLbId': LB }, rules: [['a.com', '/']] });
    await made.untilRoutes([ROUTE]);
    await estate.open('other', 2, { on: LB, ports: [{ port: 81, protocol: 'TCP' }] });
    const [vip = ''] = await estate.addressesOf('other');
    await estate.load('front', { vip, site: { protocol: 'HTTP', host: 'a.com', path: '/' } });
    estate.world.apiFaults.deny('ingresses');
    await restartLeader(made);
    await estate.deleteService('other');
    await estate.until('the Service is gone', async () => (await estate.serviceOf('other')) === undefined);
    await estate.passes(2 * MINUTE_MS);
    await made.untilRoutes([ROUTE]);
    estate.world.apiFaults.allow('ingresses');
    await estate.passes(MINUTE_MS);
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('a Pod that may belong to one is not let go before its budget is spent', async () => {
    const made = await IngressEstate.make({ seed: 5, coordinators: 1 });
    const { estate } = made;
    await made.backend('web');
    await made.write('front', { rules: [['a.com', '/']] });
    await made.untilRoutes([ROUTE]);
    estate.world.apiFaults.deny('ingresses');
    await restartLeader(made);
    const [pod] = await estate.world.pods();
    const name = pod?.metadata.name ?? '';
    const isThere = async () => (await estate.world.pods()).some(({ metadata }) => metadata.name === name);
    await estate.deletePod(name);
    await estate.passes(20_000);
    expect(await isThere()).toBe(true);
    await estate.until('it is gone', async () => !(await isThere()));
    await estate.world.close();
  });
});

describe('without the right to read TkeServiceConfigs', () => {
  test('a Service that names one is served and told, and has its settings when the right is given', async () => {
    const made = await without('tkeserviceconfigs', 6);
    const { estate } = made;
    await estate.world.create('/apis/cloud.tencent.com/v1alpha1/namespaces/default/tkeserviceconfigs', {
      metadata: { name: 'settings' },
      spec: {
        loadBalancer: { l4Listeners: [{ protocol: 'TCP', port: 80, healthCheck: { enable: true, intervalTime: 9 } }] },
      },
    });
    await estate.open('web', 2, { annotations: { 'service.cloud.tencent.com/tke-service-config': 'settings' } });
    await estate.load('web');
    expect(await estate.codesOf('web')).toEqual(['CD3006']);
    const isApplied = () => {
      const [{ id } = { id: '' }] = estate.account.loadBalancers();
      const [listener] = estate.account.listenersOf(id);
      const settings = estate.account.settingsOf(id, listener?.id ?? '') as { HealthCheck: { IntervalTime: number } };
      return settings.HealthCheck.IntervalTime === 9;
    };
    expect(isApplied()).toBe(false);
    estate.world.apiFaults.allow('tkeserviceconfigs');
    await estate.until('it is applied', isApplied);
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});
