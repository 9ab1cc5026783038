import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { MERGE_PATCH } from '../simulation/manifests.ts';
import { callsOf, describedOf } from './cloud-notes.ts';
import { IngressEstate, TKE_SERVICE_CONFIGS } from './ingress-estate.ts';

const ON_SERVICE = 'service.cloud.tencent.com/tke-service-config';
const ON_INGRESS = 'ingress.cloud.tencent.com/tke-service-config';

async function configure(estate: Estate, name: string, loadBalancer: object): Promise<void> {
  const metadata = { name, namespace: 'default' };
  await estate.world.create(TKE_SERVICE_CONFIGS, { metadata, spec: { loadBalancer } });
}

async function reconfigure(estate: Estate, name: string, loadBalancer: object): Promise<void> {
  await estate.world.request('PATCH', `${TKE_SERVICE_CONFIGS}/${name}`, { spec: { loadBalancer } }, MERGE_PATCH);
}

/** The only listener of the only load balancer, as CLB describes it. */
function listener(estate: Estate): Readonly<Record<string, unknown>> {
  return new IngressEstate(estate).listeners()[0] ?? {};
}

describe('a Service with a TkeServiceConfig', () => {
  const HEALTH = { enable: true, intervalTime: 7, timeout: 3, healthNum: 2, unHealthNum: 4 };
  const L4 = {
    protocol: 'TCP',
    port: 80,
    session: { enable: true, sessionExpireTime: 120 },
    healthCheck: { ...HEALTH, checkType: 'TCP', checkPort: 80, sourceIpType: 1 },
    deregisterTargetRst: true,
  };

  test('has its listeners made as l4Listeners says', async () => {
    const estate = await Estate.make({ seed: 1 });
    await configure(estate, 'settings', { l4Listeners: [L4], internetMaxBandwidthOut: 30 });
    await estate.open('web', 2, { annotations: { [ON_SERVICE]: 'settings' } });
    expect(listener(estate)).toMatchObject({
      SessionExpireTime: 120,
      DeregisterTargetRst: true,
      HealthCheck: {
        HealthSwitch: 1,
        IntervalTime: 7,
        TimeOut: 3,
        HealthNum: 2,
        UnHealthNum: 4,
        CheckType: 'TCP',
        SourceIpType: 1,
      },
    });
    expect(await estate.codesOf('web')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('has them changed in place when it changes, and keeps what it no longer says', async () => {
    const estate = await Estate.make({ seed: 2 });
    await configure(estate, 'settings', { l4Listeners: [{ protocol: 'TCP', port: 80, scheduler: 'LEAST_CONN' }] });
    await estate.open('web', 2, { annotations: { [ON_SERVICE]: 'settings' } });
    const { ListenerId } = listener(estate);
    expect(listener(estate)).toMatchObject({ Scheduler: 'LEAST_CONN' });
    await reconfigure(estate, 'settings', {
      l4Listeners: [{ protocol: 'TCP', port: 80, healthCheck: { intervalTime: 9 } }],
    });
    await estate.until('the interval is another', () => {
      return (listener(estate).HealthCheck as { IntervalTime: number }).IntervalTime === 9;
    });
    expect(listener(estate)).toMatchObject({ ListenerId, Scheduler: 'LEAST_CONN' });
    await estate.annotate('web', { [ON_SERVICE]: null });
    await estate.passes(MINUTE_MS);
    expect(listener(estate)).toMatchObject({ Scheduler: 'LEAST_CONN', HealthCheck: { IntervalTime: 9 } });
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is served without the fields that are wrong, and told of each', async () => {
    const estate = await Estate.make({ seed: 3 });
    const healthCheck = { intervalTime: 5, timeout: 5, healthNum: 11 };
    await configure(estate, 'settings', {
      l4Listeners: [{ protocol: 'TCP', port: 80, scheduler: 'LEAST_CONN', healthCheck }],
    });
    await estate.open('web', 2, { annotations: { [ON_SERVICE]: 'settings' } });
    expect(listener(estate)).toMatchObject({ Scheduler: 'LEAST_CONN' });
    expect(await estate.codesOf('web')).toEqual(['CD1047']);
    const messages = (await estate.eventsOf('web')).map(({ message }) => message).toSorted();
    expect(messages).toEqual([expect.stringMatching(/healthNum is 11/), expect.stringMatching(/timeout is 5/)]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('that does not exist is served, told, and set up once it is there', async () => {
    const estate = await Estate.make({ seed: 4 });
    await estate.open('web', 2, { annotations: { [ON_SERVICE]: 'late' } });
    expect(await estate.codesOf('web')).toEqual(['CD1046']);
    await configure(estate, 'late', { l4Listeners: [{ protocol: 'TCP', port: 80, scheduler: 'LEAST_CONN' }] });
    await estate.until('it is set up', () => listener(estate).Scheduler === 'LEAST_CONN');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('an Ingress with a TkeServiceConfig', () => {
  test('has its listeners and rules as l7Listeners says', async () => {
    const made = await IngressEstate.make({ seed: 10 });
    await made.backend('web');
    await made.secret('certificate', 'cert-a');
    const healthCheck = { intervalTime: 8, httpCheckPath: '/healthz', httpCheckMethod: 'GET', httpCode: 3 };
    const rule = {
      url: '/',
      forwardType: 'HTTPS',
      session: { enable: true, sessionExpireTime: 7_200 },
      scheduler: 'WRR',
      healthCheck: { ...healthCheck, httpCheckDomain: 'check.a.com', checkType: 'HTTP' },
    };
    const domains = [{ domain: 'a.com', http2: true, rules: [rule, { url: '/nothing' }] }];
    await configure(made.estate, 'settings', {
      l7Listeners: [
        { protocol: 'HTTPS', port: 443, keepaliveEnable: 1, defaultServer: 'b.com', domains },
        { protocol: 'HTTP', port: 80, keepaliveEnable: 0 },
      ],
    });
    await made.write('front', {
      annotations: { [ON_INGRESS]: 'settings' },
      tls: [{ secretName: 'certificate' }],
      rules: [
        ['a.com', '/'],
        ['b.com', '/'],
      ],
    });
    await made.estate.untilReady('web', 2);
    await made.estate.until('b.com is the default', () =>
      made.rules().every(({ domain, isDefault }) => isDefault === (domain === 'b.com')),
    );
    expect(made.listeners()).toMatchObject([{ Port: 443, KeepaliveEnable: 1 }]);
    expect(made.described().find(({ Domain }) => Domain === 'a.com')).toMatchObject({
      Http2: true,
      ForwardType: 'HTTPS',
      SessionExpireTime: 7_200,
      HealthCheck: {
        IntervalTime: 8,
        HttpCheckPath: '/healthz',
        HttpCheckDomain: 'check.a.com',
        HttpCheckMethod: 'GET',
        HttpCode: 3,
      },
    });
    expect(await made.codesOf('front')).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });
});

describe('a TkeServiceConfig', () => {
  test('has the source addresses of its requests translated by snatEnable', async () => {
    const made = await IngressEstate.make({ seed: 11 });
    await made.backend('web');
    const l7Listeners = [{ protocol: 'HTTP', port: 80, snatEnable: true, listenerName: 'mine' }];
    await configure(made.estate, 'settings', { l7Listeners });
    await made.write('front', { annotations: { [ON_INGRESS]: 'settings' }, rules: [['a.com', '/']] });
    await made.estate.untilReady('web', 2);
    expect(callsOf(made.estate.world, 'CreateListener')).toMatchObject([{ parameters: { SnatEnable: true } }]);
    expect(made.listeners()).toMatchObject([{ ListenerName: expect.stringMatching(/^clb-direct-/) }]);
    expect(await made.codesOf('front')).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('gives a public load balancer its bandwidth', async () => {
    const estate = await Estate.make({ seed: 12 });
    await configure(estate, 'settings', { internetMaxBandwidthOut: 30 });
    await estate.open('web', 2, { annotations: { [ON_SERVICE]: 'settings' } });
    const bandwidth = () => describedOf(estate.world)[0]?.NetworkAttributes as { InternetMaxBandwidthOut?: number };
    await estate.until('it has the bandwidth', () => bandwidth().InternetMaxBandwidthOut === 30);
    expect(await estate.codesOf('web')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('a TkeServiceConfig of our own making', () => {
  const AUTO = { [`${ON_SERVICE}-auto`]: 'true' };
  const specsOf = async (estate: Estate) => {
    const configs = await new IngressEstate(estate).configs();
    return configs.map(({ metadata, spec }) => ({ name: metadata.name, spec }));
  };
  const sections = (l4Listeners: readonly object[], l7Listeners: readonly object[] = []) => ({
    loadBalancer: { l4Listeners, l7Listeners },
  });

  test('has a section for each listener, keeps what people write there, and goes with the Service', async () => {
    const estate = await Estate.make({ seed: 20 });
    await estate.open('web', 2, { annotations: AUTO });
    const name = 'web-auto-service-config';
    const tcp = { protocol: 'TCP', port: 80 };
    expect(await specsOf(estate)).toEqual([{ name, spec: sections([tcp]) }]);
    const written = { ...tcp, scheduler: 'LEAST_CONN' };
    await reconfigure(estate, name, { l4Listeners: [written] });
    await estate.until('it is set up so', () => listener(estate).Scheduler === 'LEAST_CONN');
    const port = { name: 'more', port: 81, protocol: 'TCP', targetPort: 80 };
    await estate.patchService('web', { spec: { ports: [{ name: 'tcp-80', port: 80, targetPort: 80 }, port] } });
    const both = [{ name, spec: sections([written, { protocol: 'TCP', port: 81 }]) }];
    await estate.until('there is another section', async () => isDeepStrictEqual(await specsOf(estate), both));
    await estate.deleteService('web');
    await estate.until('it is gone', async () => (await specsOf(estate)).length === 0);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('has a section for each rule of an Ingress', async () => {
    const made = await IngressEstate.make({ seed: 21 });
    await made.backend('web');
    await made.write('front', {
      annotations: { [`${ON_INGRESS}-auto`]: 'true' },
      rules: [
        ['a.com', '/'],
        ['a.com', '/b'],
      ],
    });
    await made.estate.untilReady('web', 2);
    const domains = [{ domain: 'a.com', rules: [{ url: '/' }, { url: '/b' }] }];
    const spec = sections([], [{ protocol: 'HTTP', port: 80, domains }]);
    expect(await specsOf(made.estate)).toEqual([{ name: 'front-auto-ingress-config', spec }]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('yields to one that is named, which is told', async () => {
    const estate = await Estate.make({ seed: 22 });
    await configure(estate, 'settings', { l4Listeners: [{ protocol: 'TCP', port: 80, scheduler: 'LEAST_CONN' }] });
    await estate.open('web', 2, { annotations: { ...AUTO, [ON_SERVICE]: 'settings' } });
    expect(listener(estate)).toMatchObject({ Scheduler: 'LEAST_CONN' });
    expect(await specsOf(estate)).toHaveLength(1);
    expect(await estate.codesOf('web')).toEqual(['CD1044']);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});
