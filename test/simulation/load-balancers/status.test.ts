import { describe, expect, test } from 'vitest';
import { CUSTOM_WEIGHT_ANNOTATION, INJECT_ANNOTATION, LOAD_BALANCER_ID_ANNOTATION } from '../../../common/names.ts';
import type { ClbSettings } from '../../../sandbox/clb/settings.ts';
import { MERGE_PATCH } from '../manifests.ts';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';

const LB = 'lb-status';

describe('what a Service tells its clients', () => {
  test.each([
    ['vip', /^10\.200\.0\.\d+$/],
    ['vip-and-domain', /^10\.200\.0\.\d+$/],
    ['domain', /^lb-status\.clb\./],
  ] as const)('on an existing load balancer that shows %s', async (address, told) => {
    const estate = await Estate.make({ seed: 1 });
    estate.account.addLoadBalancer(LB, { address });
    await estate.open('web', 2, { on: LB });
    await estate.until('it is told', async () => (await estate.addressesOf('web')).length > 0);
    expect(await estate.addressesOf('web')).toEqual([expect.stringMatching(told)]);
    expect((await estate.serviceOf('web'))?.metadata.annotations?.[LOAD_BALANCER_ID_ANNOTATION]).toBe(LB);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is the name of a domain-type load balancer that was made for it', async () => {
    const clb = (settings: ClbSettings): ClbSettings => ({
      ...settings,
      manners: { ...settings.manners, loadBalancerAddress: 'domain' },
    });
    const estate = await Estate.make({ seed: 2, clb });
    await estate.open('web', 2);
    const [made] = estate.account.loadBalancers();
    const service = await estate.serviceOf('web');
    expect(service?.status?.loadBalancer?.ingress).toEqual([{ hostname: expect.stringContaining(made?.id ?? '?') }]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is put back when somebody changes it, and taken off when the Service is one of the cluster alone', async () => {
    const estate = await Estate.make({ seed: 3 });
    estate.account.addLoadBalancer(LB);
    await estate.open('web', 2, { on: LB });
    const told = await estate.addressesOf('web');
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
    await estate.world.request('PATCH', '/api/v1/namespaces/default/services/web/status', { status }, MERGE_PATCH);
    await estate.passes(MINUTE_MS);
    expect(await estate.addressesOf('web')).toEqual(told);
    await estate.patchService('web', { spec: { type: 'ClusterIP' } });
    await estate.until('nothing is told', async () => (await estate.addressesOf('web')).length === 0);
    const { metadata } = (await estate.serviceOf('web')) ?? {};
    expect(metadata?.finalizers ?? []).toEqual([]);
    expect(Object.keys(metadata?.annotations ?? {})).not.toContain(LOAD_BALANCER_ID_ANNOTATION);
    await estate.world.close();
  });
});

describe('Pods in the network of their node', () => {
  const INJECTED = { [INJECT_ANNOTATION]: 'true' };

  /** Every node of the world is an instance: `node-1` is `ins-1` and has 10.0.0.1. */
  function withInstances(settings: ClbSettings): ClbSettings {
    return { ...settings, instances: { 'ins-1': '10.0.0.1', 'ins-2': '10.0.0.2', 'ins-3': '10.0.0.3' } };
  }

  async function hosted(seed: number): Promise<Estate> {
    const estate = await Estate.make({ seed, clb: withInstances });
    estate.account.addLoadBalancer(LB);
    return estate;
  }

  function instances(estate: Estate): readonly string[] {
    const open = estate.account.targetsOn(LB, 80).filter(({ weight }) => weight > 0);
    return open.map(({ instanceId }) => instanceId).toSorted();
  }

  test('are bound by the instance of the node, and their gates open', async () => {
    const estate = await hosted(4);
    await estate.deploy('web', { replicas: 3, network: 'node', annotations: INJECTED });
    await estate.serve('web', { on: LB });
    await estate.untilReady('web', 3);
    expect(instances(estate)).toEqual(['ins-1', 'ins-2', 'ins-3']);
    expect((await estate.gatesOf('web')).map(({ reason }) => reason)).toEqual(Array(3).fill('LoadBalancerReady'));
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('are bound one after another where they follow each other on one node', async () => {
    const estate = await Estate.make({ seed: 5, nodes: 1, clb: withInstances });
    estate.account.addLoadBalancer(LB);
    await estate.deploy('web', { replicas: 1, network: 'node', annotations: INJECTED, maxSurge: 0, maxUnavailable: 1 });
    await estate.serve('web', { on: LB });
    await estate.untilReady('web', 1);
    const before = estate.account.targetsOn(LB, 80).map(({ podName }) => podName);
    await estate.roll('web');
    const after = estate.account.targetsOn(LB, 80).map(({ podName }) => podName);
    expect(after).toEqual((await estate.gatesOf('web')).map(({ podName }) => podName));
    expect(after).not.toEqual(before);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('wait with a reason for a node that the cloud has not named, and are bound once it has', async () => {
    const estate = await hosted(6);
    const node = '/api/v1/nodes/node-1';
    const name = (providerID: string) => estate.world.request('PATCH', node, { spec: { providerID } }, MERGE_PATCH);
    await estate.passes(1_000);
    await name('');
    await estate.deploy('web', { replicas: 3, network: 'node', annotations: INJECTED });
    await estate.serve('web', { on: LB });
    await estate.until('the others are bound', () => instances(estate).length === 2);
    await estate.passes(MINUTE_MS);
    const gates = await estate.gatesOf('web');
    expect(gates.filter(({ status }) => status === 'False')).toEqual([
      expect.objectContaining({
        reason: 'NoInstance',
        message: expect.stringMatching(/node node-1, of which no instance id/),
      }),
    ]);
    await name('qcloud:///100001/ins-1');
    expect(await estate.until('it is bound', () => instances(estate).length === 3)).toBeLessThan(40_000);
    await estate.untilReady('web', 3);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('Pods that CLB cannot reach', () => {
  test('are told on the Service and in their gates, and never bound; the others are', async () => {
    const estate = await Estate.make({ seed: 7 });
    estate.account.addLoadBalancer(LB);
    await estate.deploy('bridged', {
      replicas: 2,
      network: 'bridge',
      labels: { tier: 'front' },
      annotations: { [INJECT_ANNOTATION]: 'true' },
    });
    await estate.deploy('web', { replicas: 2, labels: { tier: 'front' } });
    await estate.serve('web', { on: LB });
    await estate.patchService('web', { spec: { selector: { app: null, tier: 'front' } } });
    await estate.untilReady('web', 2);
    await estate.passes(MINUTE_MS);
    expect(estate.account.targetsOn(LB, 80).map(({ podName }) => podName.split('-')[0])).toEqual(['web', 'web']);
    expect(await estate.codesOf('web')).toEqual(['CD1012']);
    const gates = await estate.gatesOf('bridged');
    expect(gates.map(({ status, reason }) => [status, reason])).toEqual([
      ['False', 'NotOnEni'],
      ['False', 'NotOnEni'],
    ]);
    expect(gates[0]?.message).toMatch(/not on an ENI \(annotation tke.cloud.tencent.com\/networks=tke-bridge\)/);
    await estate.world.close();
  });
});

describe('custom weights in a Pod template', () => {
  test.each([1, 37, 100])('of %i are what CLB holds, from the first write on', async weight => {
    const estate = await Estate.make({ seed: 8 });
    estate.account.addLoadBalancer(LB);
    await estate.deploy('web', { replicas: 2, annotations: { [CUSTOM_WEIGHT_ANNOTATION]: String(weight) } });
    await estate.serve('web', { on: LB });
    await estate.untilReady('web', 2);
    expect(estate.account.targetsOn(LB, 80).map(target => target.weight)).toEqual([weight, weight]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('of 0 keep the Pods bound without traffic, with their gates open', async () => {
    const estate = await Estate.make({ seed: 9 });
    estate.account.addLoadBalancer(LB);
    await estate.deploy('web', { replicas: 2, annotations: { [CUSTOM_WEIGHT_ANNOTATION]: '0' } });
    await estate.serve('web', { on: LB });
    await estate.untilReady('web', 2);
    expect(estate.account.targetsOn(LB, 80).map(target => target.weight)).toEqual([0, 0]);
    await estate.world.close();
  });
});
