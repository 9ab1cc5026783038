import { describe, expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { callsOf, describedOf } from './cloud-notes.ts';

const CHARGE_TYPE = 'service.kubernetes.io/qcloud-loadbalancer-internet-charge-type';
const BANDWIDTH = 'service.kubernetes.io/qcloud-loadbalancer-internet-max-bandwidth-out';
const PARAMETERS = 'service.kubernetes.io/service.extensiveParameters';
const SECURITY_GROUPS = 'service.cloud.tencent.com/security-groups';
const PASS_TO_TARGET = 'service.cloud.tencent.com/pass-to-target';
const SUBNET = 'service.kubernetes.io/qcloud-loadbalancer-internal-subnetid';

/** A Service `web` with these annotations and two Pods, until they are Ready. */
async function opened(seed: number, annotations: Record<string, string>): Promise<Estate> {
  const estate = await Estate.make({ seed });
  await estate.open('web', 2, { annotations });
  return estate;
}

/** What CLB tells of the only load balancer. */
function only(estate: Estate) {
  const [found, ...others] = describedOf(estate.world);
  expect(others).toEqual([]);
  return found;
}

/** A Service `web` with these annotations that nothing is made for. */
async function unserved(seed: number, annotations: Record<string, string>): Promise<Estate> {
  const estate = await Estate.make({ seed });
  await estate.deploy('web', { replicas: 2 });
  await estate.serve('web', { annotations });
  await estate.passes(MINUTE_MS);
  return estate;
}

describe('the load balancer of a Service is made', () => {
  test.each([
    [CHARGE_TYPE, BANDWIDTH],
    ['kubernetes.io/service.internetChargeType', 'kubernetes.io/service.internetMaxBandwidthOut'],
  ])('with the charge type and bandwidth of %s', async (chargeType, bandwidth) => {
    const estate = await opened(1, { [chargeType]: 'BANDWIDTH_POSTPAID_BY_HOUR', [bandwidth]: '25' });
    const internet = { InternetChargeType: 'BANDWIDTH_POSTPAID_BY_HOUR', InternetMaxBandwidthOut: 25 };
    expect(only(estate)).toMatchObject({ NetworkAttributes: internet });
    expect(await estate.codesOf('web')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('with the parameters of extensiveParameters that are taken', async () => {
    const parameters = { VipIsp: 'CTCC', MasterZoneId: '100001', InternetAccessible: { InternetMaxBandwidthOut: 7 } };
    const estate = await opened(2, { [PARAMETERS]: JSON.stringify(parameters) });
    const internet = { InternetMaxBandwidthOut: 7 };
    expect(only(estate)).toMatchObject({ VipIsp: 'CTCC', MasterZoneId: '100001', NetworkAttributes: internet });
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('for IPv6 clients when extensiveParameters says so, and tells both addresses', async () => {
    const estate = await opened(3, { [PARAMETERS]: '{"AddressIPVersion":"IPV6"}' });
    expect(only(estate)).toMatchObject({ IPv6Mode: 'IPv6Nat64' });
    expect(await estate.addressesOf('web')).toContainEqual(expect.stringContaining('2001:db8::'));
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('only once a charge type, a bandwidth or parameters that make no sense are corrected', async () => {
    const estate = await unserved(4, { [BANDWIDTH]: '4000', [CHARGE_TYPE]: 'FREE', [PARAMETERS]: '{' });
    expect(callsOf(estate.world, 'CreateLoadBalancer')).toEqual([]);
    const messages = (await estate.eventsOf('web')).map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringMatching(/^CD1001.*default\/web.*bandwidth-out is "4000".*1 to 2048/));
    expect(messages).toContainEqual(expect.stringMatching(/^CD1001.*charge-type is "FREE".*TRAFFIC_POSTPAID_BY_HOUR/));
    expect(messages).toContainEqual(expect.stringMatching(/^CD1001.*extensiveParameters is "{".*JSON/));
    await estate.annotate('web', { [BANDWIDTH]: '40', [CHARGE_TYPE]: null, [PARAMETERS]: null });
    await estate.untilReady('web', 2);
    expect(only(estate)).toMatchObject({ NetworkAttributes: { InternetMaxBandwidthOut: 40 } });
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('only once a parameter that is not taken is removed', async () => {
    const estate = await unserved(5, { [PARAMETERS]: '{"VipIsp":"BGP","LoadBalancerName":"mine"}' });
    expect(callsOf(estate.world, 'CreateLoadBalancer')).toEqual([]);
    const [event] = await estate.eventsOf('web');
    expect(event?.message).toMatch(/^CD1022.*default\/web.*names LoadBalancerName/);
    await estate.annotate('web', { [PARAMETERS]: '{"VipIsp":"BGP"}' });
    await estate.untilReady('web', 2);
    expect(only(estate)).toMatchObject({ VipIsp: 'BGP' });
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('privately without Internet traffic to charge for', async () => {
    const estate = await unserved(6, { [SUBNET]: 'subnet-inner', [BANDWIDTH]: '10' });
    expect(callsOf(estate.world, 'CreateLoadBalancer')).toEqual([]);
    expect((await estate.eventsOf('web'))[0]?.message).toMatch(/^CD1001.*bandwidth-out.*private load balancer/);
    await estate.annotate('web', { [BANDWIDTH]: null });
    await estate.untilReady('web', 2);
    expect(only(estate)).toMatchObject({ LoadBalancerType: 'INTERNAL', SubnetId: 'subnet-inner' });
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('once though its leader dies, with what was chosen', async () => {
    const estate = await Estate.make({ seed: 7 });
    await estate.deploy('web', { replicas: 2 });
    estate.world.clb.faults.add({ action: 'CreateLoadBalancer', kind: 'lose-reply', count: 1 });
    await estate.serve('web', { annotations: { [BANDWIDTH]: '25', [PASS_TO_TARGET]: 'true' } });
    await estate.until('it was asked for', () => callsOf(estate.world, 'CreateLoadBalancer').length > 0);
    estate.killLeader();
    await estate.untilReady('web', 2);
    expect(only(estate)).toMatchObject({ NetworkAttributes: { InternetMaxBandwidthOut: 25 } });
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('the load balancer that was made for a Service', () => {
  test('has the security groups that the annotation names, also when they change', async () => {
    const estate = await opened(8, { [SECURITY_GROUPS]: 'sg-aaaa1111, sg-bbbb2222' });
    await estate.until('it has them', () => groups(estate).join() === 'sg-aaaa1111,sg-bbbb2222');
    await estate.annotate('web', { [SECURITY_GROUPS]: 'sg-cccc3333' });
    await estate.until('it has the other', () => groups(estate).join() === 'sg-cccc3333');
    await estate.passes(2 * MINUTE_MS);
    expect(callsOf(estate.world, 'SetLoadBalancerSecurityGroups')).toHaveLength(2);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('keeps its security groups when the annotation makes no sense, and is served on', async () => {
    const estate = await opened(9, { [SECURITY_GROUPS]: 'sg-aaaa1111' });
    await estate.until('it has them', () => groups(estate).length === 1);
    await estate.annotate('web', { [SECURITY_GROUPS]: 'sg-1,sg-2,sg-3,sg-4,sg-5,sg-6' });
    await estate.passes(MINUTE_MS);
    expect(groups(estate)).toEqual(['sg-aaaa1111']);
    expect((await estate.eventsOf('web'))[0]?.message).toMatch(/^CD1001.*security-groups.*up to 5 ids/);
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('lets its traffic pass to targets as the annotation says, also when it changes', async () => {
    const estate = await opened(10, { [PASS_TO_TARGET]: 'true' });
    expect(only(estate)).toMatchObject({ LoadBalancerPassToTarget: true });
    await estate.annotate('web', { [PASS_TO_TARGET]: 'false' });
    await estate.until('it is off', () => only(estate)?.LoadBalancerPassToTarget === false);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('has another bandwidth when the annotation changes', async () => {
    const estate = await opened(11, { [BANDWIDTH]: '10' });
    await estate.annotate('web', { [BANDWIDTH]: '100' });
    await estate.until('it has it', () => bandwidth(estate) === 100);
    await estate.passes(2 * MINUTE_MS);
    expect(callsOf(estate.world, 'ModifyLoadBalancerAttributes')).toHaveLength(1);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is set up by the next leader when the last one died before it could', async () => {
    const estate = await opened(12, {});
    estate.killLeader();
    await estate.annotate('web', { [SECURITY_GROUPS]: 'sg-aaaa1111', [BANDWIDTH]: '33' });
    await estate.until('it has both', () => groups(estate).length === 1 && bandwidth(estate) === 33);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is told of when CLB refuses what it shall have, and serves on', async () => {
    const estate = await opened(13, {});
    const code = 'InvalidParameterValue';
    estate.world.clb.faults.add({ action: 'SetLoadBalancerSecurityGroups', kind: 'error', code });
    await estate.annotate('web', { [SECURITY_GROUPS]: 'sg-aaaa1111' });
    await estate.passes(5 * MINUTE_MS);
    expect((await estate.eventsOf('web')).map(({ reason }) => reason)).toContain('CloudRefused');
    expect(callsOf(estate.world, 'SetLoadBalancerSecurityGroups').length).toBeLessThan(12);
    await estate.roll('web');
    estate.world.clb.faults.clear();
    await estate.until('it has them', () => groups(estate).length === 1, 400_000);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is protected against deletion when the annotation says so', async () => {
    const estate = await opened(14, { 'service.cloud.tencent.com/deletion-protection': 'true' });
    await estate.until('it is', () => JSON.stringify(only(estate)?.AttributeFlags) === '["DeleteProtect"]');
    await estate.deleteService('web');
    await estate.passes(2 * MINUTE_MS);
    expect(estate.account.loadBalancers()).toHaveLength(1);
    expect(await estate.codesOf('web')).toEqual(['CD1010']);
    await estate.world.close();
  });

  test('stays when its Service goes and the annotation retains it', async () => {
    const estate = await opened(15, { 'service.cloud.tencent.com/loadbalance-retain': 'true' });
    const [made] = estate.account.loadBalancers();
    await estate.deleteService('web');
    await estate.until('the Service is gone', async () => (await estate.serviceOf('web')) === undefined);
    await estate.passes(2 * MINUTE_MS);
    expect(estate.account.loadBalancers()).toEqual([made]);
    expect(estate.account.listenersOf(made?.id ?? '')).toEqual([]);
    expect(await estate.codesOf('web')).toEqual(['CD1025']);
    await estate.world.close();
  });

  test('is named on the Service, and the next one when the Service moves', async () => {
    const estate = await opened(16, {});
    const [made] = estate.account.loadBalancers();
    const named = async () =>
      (await estate.serviceOf('web'))?.metadata.annotations?.['service.kubernetes.io/loadbalance-id'];
    expect(await named()).toBe(made?.id);
    estate.account.addLoadBalancer('lb-other');
    await estate.moveTo('web', 'lb-other');
    await estate.until('it names the other', async () => (await named()) === 'lb-other');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('a load balancer that is internal', () => {
  test('is named once with the advice for clients that share a node with its targets', async () => {
    const estate = await opened(18, { [SUBNET]: 'subnet-inner' });
    await estate.passes(10 * MINUTE_MS);
    const events = await estate.eventsOf('web');
    expect(events).toMatchObject([{ type: 'Normal', reason: 'LoopbackPossible', count: 1 }]);
    expect(events[0]?.message).toMatch(/^CD1026.*default\/web.*ClusterIP.*anti-affinity/);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('a load balancer that somebody else made', () => {
  test('is not set up by annotations of a Service that uses it', async () => {
    const estate = await Estate.make({ seed: 17 });
    estate.account.addLoadBalancer('lb-theirs');
    const before = describedOf(estate.world);
    const annotations = { [SECURITY_GROUPS]: 'sg-aaaa1111', [BANDWIDTH]: '10', [PASS_TO_TARGET]: 'true' };
    await estate.open('web', 2, { on: 'lb-theirs', annotations });
    await estate.passes(MINUTE_MS);
    expect(describedOf(estate.world)).toEqual(before);
    const [event] = await estate.eventsOf('web');
    expect(event?.message).toMatch(
      /^CD1023.*default\/web.*bandwidth-out, .*security-groups, .*pass-to-target have no effect/,
    );
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

function groups(estate: Estate): readonly string[] {
  return (only(estate)?.SecureGroups ?? []) as string[];
}

function bandwidth(estate: Estate): number | undefined {
  return (only(estate)?.NetworkAttributes as { InternetMaxBandwidthOut?: number } | undefined)?.InternetMaxBandwidthOut;
}
