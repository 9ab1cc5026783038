import { describe, expect, test } from 'vitest';
import { type Estate, MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { callsOf } from './cloud-notes.ts';
import { INGRESSES, IngressEstate } from './ingress-estate.ts';

const HAND_OVER = { 'ingress.cloud.tencent.com/mode': 'skip', 'clb-direct.io/adopt-listener': 'true' };
const LB = 'lb-of-tke';
const HOST = 'a.com';
/** Nobody has published what TKE's controller calls it. */
const TKE_FINALIZER = 'ingress.k8s.tencent/resources';

type Scheme = 'HTTP' | 'HTTPS';

interface Legacy {
  readonly made: IngressEstate;
  readonly vip: string;
  readonly listenerId: string;
}

function port(scheme: Scheme): number {
  return scheme === 'HTTPS' ? 443 : 80;
}

/** TKE's own Ingress controller runs in this cluster. */
async function installTke({ world }: Estate): Promise<void> {
  await world.create('/api/v1/namespaces', { metadata: { name: 'kube-system' } }).catch(() => undefined);
  await world.create('/api/v1/namespaces/kube-system/configmaps', {
    metadata: { name: 'tke-ingress-controller-config' },
    data: { VERSION: 'v2.11.0' },
  });
}

/** An Ingress `front` of two Pods that TKE's controller has served, as that one leaves it, under load. */
async function servedByTke(scheme: Scheme, seed: number): Promise<Legacy> {
  const made = await IngressEstate.make({ seed });
  const { estate } = made;
  await installTke(estate);
  await estate.passes(MINUTE_MS + 5_000);
  await made.backend('web');
  await made.secret('cert-a', 'id-a');
  await made.write('front', {
    className: 'qcloud',
    annotations: {
      'ingress.cloud.tencent.com/direct-access': 'true',
      'kubernetes.io/ingress.qcloud-loadbalance-id': LB,
    },
    rules: [[HOST, '/']],
    ...(scheme === 'HTTPS' && { tls: [{ secretName: 'cert-a' }] }),
  });
  await estate.passes(30_000);
  await made.patch('front', { metadata: { finalizers: [TKE_FINALIZER] } });
  const uid = (await made.ingressOf('front'))?.metadata.uid ?? '';
  const tags = { 'tke-createdBy-flag': 'yes', 'tke-lb-ingress-uuid': uid, 'clb-direct-allow': 'simulation' };
  const vip = estate.account.addLoadBalancer(LB, {
    tags: Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
  });
  const certificate = { Certificate: { SSLMode: 'UNIDIRECTIONAL', CertId: 'id-a' } };
  const more = { ListenerNames: ['TKE-DEDICATED-LISTENER'], ...(scheme === 'HTTPS' && certificate) };
  const listenerId = estate.account.addListener(LB, { port: port(scheme), protocol: scheme, more });
  await addRule(estate, listenerId);
  await estate.passes(20_000);
  await estate.load('web', { vip, port: port(scheme), site: { protocol: scheme, host: HOST, path: '/' } });
  return { made, vip, listenerId };
}

/** With the Pods of `web` behind it. */
async function addRule(estate: Estate, ListenerId: string): Promise<void> {
  const { elsewhere } = estate.world.clb;
  const settings = { Scheduler: 'LEAST_CONN', HealthCheck: { HealthSwitch: 1, IntervalTime: 7, HealthNum: 2 } };
  const Rules = [{ Domain: HOST, Url: '/', ...settings }];
  const { LocationIds } = elsewhere.writeAtOnce('CreateRule', { LoadBalancerId: LB, ListenerId, Rules });
  const [LocationId] = LocationIds as string[];
  const addresses = await estate.addressesOfPods('web');
  const Targets = addresses.map(EniIp => ({ ListenerId, LocationId, EniIp, Port: 80, Weight: 10 }));
  elsewhere.writeAtOnce('BatchRegisterTargets', { LoadBalancerId: LB, Targets });
}

describe.each<Scheme>(['HTTP', 'HTTPS'])("an Ingress of %s that TKE's own controller has served", scheme => {
  const route = `${scheme}:${port(scheme)} ${HOST}/ -> web`;

  test('is not touched before it is handed over', async () => {
    const { made } = await servedByTke(scheme, 1);
    await made.estate.passes(2 * MINUTE_MS);
    expect(await made.codesOf('front')).toEqual(['CD3001']);
    expect(made.routes()).not.toContain(route);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('keeps its load balancer, listener, rule and settings when it is handed over, and loses nothing', async () => {
    const { made, vip, listenerId } = await servedByTke(scheme, 2);
    const { estate } = made;
    const before = estate.account.settingsOf(LB, listenerId);
    await made.patch('front', { metadata: { annotations: HAND_OVER } });
    await made.untilRoutes([route]);
    await estate.roll('web');
    const { status } = (await made.ingressOf('front')) ?? {};
    expect(status?.loadBalancer?.ingress).toEqual([{ ip: vip }]);
    expect(estate.account.settingsOf(LB, listenerId)).toEqual(before);
    expect(estate.account.listenersOf(LB)).toHaveLength(1);
    expect(callsOf(estate.world, 'CreateLoadBalancer')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('goes back without a moment off the load balancer when it is no longer skipped, and can come over again', async () => {
    const { made, vip, listenerId } = await servedByTke(scheme, 4);
    const { estate } = made;
    await made.patch('front', { metadata: { annotations: HAND_OVER } });
    await made.untilRoutes([route]);
    await estate.roll('web');
    const standing = () => ({ listener: estate.account.settingsOf(LB, listenerId), rules: made.rulesOn(LB) });
    const [before, from] = [standing(), estate.world.clock.wallNow()];
    await made.patch('front', { metadata: { annotations: { 'ingress.cloud.tencent.com/mode': null } } });
    await estate.until('nothing of ours is on it', async () => {
      const { finalizers = [], annotations } = (await made.ingressOf('front'))?.metadata ?? {};
      return finalizers.join() === TKE_FINALIZER && annotations?.['clb-direct.io/load-balancers'] === undefined;
    });
    await estate.passes(2 * MINUTE_MS);
    expect(standing()).toEqual(before);
    expect(estate.world.journal.filter(({ kind, at }) => kind === 'change' && at > from)).toEqual([]);
    const { status, metadata } = (await made.ingressOf('front')) ?? {};
    expect(status?.loadBalancer?.ingress).toEqual([{ ip: vip }]);
    expect(metadata?.annotations?.['kubernetes.io/ingress.qcloud-loadbalance-id']).toBe(LB);
    await made.patch('front', { metadata: { annotations: HAND_OVER } });
    await estate.until(
      'it is ours again',
      async () => (await made.ingressOf('front'))?.metadata.finalizers?.length === 2,
    );
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('leaves listener and rule behind when it is deleted, and none of its targets', async () => {
    const { made, listenerId } = await servedByTke(scheme, 3);
    const { estate } = made;
    await made.patch('front', { metadata: { annotations: HAND_OVER } });
    await made.untilRoutes([route]);
    const before = estate.account.settingsOf(LB, listenerId);
    await estate.stopLoad();
    await estate.world.request('DELETE', `${INGRESSES}/front`);
    await estate.until('the Ingress is gone', async () => (await made.ingressOf('front')) === undefined);
    expect(estate.account.settingsOf(LB, listenerId)).toEqual(before);
    await made.untilRoutes([route.replace('web', '')]);
    await estate.untilReady('web', 2);
    expect((await estate.end()).breaches).toEqual([]);
  });
});
