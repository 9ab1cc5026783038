import { describe, expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { SERVICES, service } from '../simulation/manifests.ts';
import { callsOf } from './cloud-notes.ts';

const SECURITY_GROUPS = 'service.cloud.tencent.com/security-groups';
const RANGES = { loadBalancerSourceRanges: ['10.0.0.0/8'] };

async function withWeb(seed: number): Promise<Estate> {
  const estate = await Estate.make({ seed });
  await estate.deploy('web', { replicas: 2 });
  return estate;
}

/** A Service `web` with more in its spec. */
async function serveWith(estate: Estate, spec: object, annotations: Record<string, string> = {}): Promise<void> {
  const object = service('web', annotations) as { spec: object };
  await estate.world.create(SERVICES, { ...object, spec: { ...object.spec, ...spec } });
}

describe('an annotation that clb-direct does not follow is named with what to do, and the Service is served', () => {
  test.each([
    ['service.kubernetes.io/qcloud-loadbalancer-backends-label', 'key in (a)', 'NodePort'],
    ['service.kubernetes.io/local-svc-only-bind-node-with-pod', 'true', 'NodePort'],
    ['service.cloud.tencent.com/local-svc-weighted-balance', 'true', 'custom-weight'],
    ['service.kubernetes.io/qcloud-clusterip-loadbalancer-subnetid', 'subnet-a', 'ClusterIP'],
    ['service.cloud.tencent.com/modification-protection', 'true', 'CAM'],
  ])('%s', async (key, value, advice) => {
    const estate = await withWeb(1);
    await estate.serve('web', { annotations: { [key]: value } });
    await estate.untilReady('web', 2);
    const [event] = await estate.eventsOf('web');
    expect(event).toMatchObject({ type: 'Warning', reason: 'AnnotationRefused' });
    expect(event?.message).toMatch(/^CD1021.*default\/web/);
    expect(event?.message).toContain(key);
    expect(event?.message).toContain(advice);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('an annotation that needs nothing is told once, and is no warning', () => {
  test.each([
    'service.cloud.tencent.com/enable-grace-shutdown',
    'service.cloud.tencent.com/enable-grace-shutdown-tkex',
    'service.cloud.tencent.com/enable-grace-deletion',
    'service.cloud.tencent.com/prevent-loopback',
  ])('%s', async key => {
    const estate = await withWeb(2);
    await estate.serve('web', { annotations: { [key]: 'true' } });
    await estate.untilReady('web', 2);
    await estate.passes(10 * MINUTE_MS);
    const events = await estate.eventsOf('web');
    expect(events).toMatchObject([{ type: 'Normal', reason: 'AnnotationNeedless', count: 1 }]);
    expect(events[0]?.message).toContain(key);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('what others wrote, or what is over, is passed over in silence', () => {
  test.each([
    ['service.cloud.tencent.com/client-token', '1b4e28ba-2fa1-11d2-883f-0016d3cca427'],
    ['service.kubernetes.io/loadbalance-type', 'public'],
    ['service.kubernetes.io/loadbalance-nat-ipv6', 'true'],
    ['service.kubernetes.io/loadbalance-nat-ipv6-id', 'lb-ipv6'],
    ['service.kubernetes.io/qcloud-share-existed-lb', 'true'],
  ])('%s', async (key, value) => {
    const estate = await withWeb(3);
    await estate.serve('web', { annotations: { [key]: value } });
    await estate.untilReady('web', 2);
    expect(await estate.codesOf('web')).toEqual([]);
    expect((await estate.serviceOf('web'))?.metadata.annotations?.[key]).toBe(value);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('a load balancer elsewhere', () => {
  test.each([
    ['service.cloud.tencent.com/cross-region-id', 'ap-shanghai'],
    ['service.cloud.tencent.com/cross-vpc-id', 'vpc-other'],
  ])('is refused when %s asks for it, and none is made here in its place', async (key, value) => {
    const estate = await withWeb(4);
    await estate.serve('web', { annotations: { [key]: value } });
    await estate.passes(MINUTE_MS);
    expect(callsOf(estate.world, 'CreateLoadBalancer')).toEqual([]);
    expect((await estate.eventsOf('web'))[0]?.message).toMatch(/^CD1021.*another region or VPC/);
    await estate.annotate('web', { [key]: null });
    await estate.untilReady('web', 2);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('does not strand a Service that is served', async () => {
    const estate = await withWeb(5);
    await estate.serve('web');
    await estate.untilReady('web', 2);
    await estate.annotate('web', { 'service.cloud.tencent.com/cross-region-id': 'ap-shanghai' });
    await estate.roll('web');
    expect(await estate.codesOf('web')).toEqual(['CD1021']);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('a Service with loadBalancerSourceRanges', () => {
  test('is not opened to everybody: nothing is made until a security group is named', async () => {
    const estate = await withWeb(6);
    await serveWith(estate, RANGES);
    await estate.passes(MINUTE_MS);
    expect(callsOf(estate.world, 'CreateLoadBalancer')).toEqual([]);
    const [event] = await estate.eventsOf('web');
    expect(event).toMatchObject({ type: 'Warning', reason: 'SourceRangesRefused' });
    expect(event?.message).toMatch(/^CD1020.*default\/web.*service\.cloud\.tencent\.com\/security-groups/);
    await estate.annotate('web', { [SECURITY_GROUPS]: 'sg-aaaa1111' });
    await estate.untilReady('web', 2);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('that is served already goes on, and is told', async () => {
    const estate = await withWeb(7);
    await estate.serve('web');
    await estate.untilReady('web', 2);
    await estate.patchService('web', { spec: RANGES });
    await estate.roll('web');
    expect(await estate.codesOf('web')).toEqual(['CD1020']);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});
