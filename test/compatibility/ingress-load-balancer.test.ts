import { describe, expect, test } from 'vitest';
import { MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { describedOf } from './cloud-notes.ts';
import { INGRESSES, IngressEstate } from './ingress-estate.ts';

const TKE = 'ingress.cloud.tencent.com';
const KUBERNETES = 'kubernetes.io/ingress';
const THEIRS = 'lb-theirs';

async function written(seed: number, annotations: Readonly<Record<string, string>>): Promise<IngressEstate> {
  const made = await IngressEstate.make({ seed });
  await made.backend('web');
  await made.write('front', { annotations, rules: [['a.com', '/']] });
  return made;
}

describe('the load balancer of an Ingress', () => {
  test('is made with its charge type, bandwidth and parameters, and has its security groups', async () => {
    const made = await written(1, {
      [`${KUBERNETES}.internetChargeType`]: 'BANDWIDTH_POSTPAID_BY_HOUR',
      [`${KUBERNETES}.internetMaxBandwidthOut`]: '25',
      [`${KUBERNETES}.extensiveParameters`]: '{"VipIsp":"CTCC"}',
      [`${TKE}/security-groups`]: 'sg-one,sg-two',
      [`${TKE}/pass-to-target`]: 'true',
      [`${TKE}/deletion-protection`]: 'true',
    });
    await made.estate.untilReady('web', 2);
    await made.estate.passes(MINUTE_MS);
    const [found, ...others] = describedOf(made.estate.world);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      NetworkAttributes: { InternetChargeType: 'BANDWIDTH_POSTPAID_BY_HOUR', InternetMaxBandwidthOut: 25 },
      VipIsp: 'CTCC',
      SecureGroups: ['sg-one', 'sg-two'],
      LoadBalancerPassToTarget: true,
      AttributeFlags: ['DeleteProtect'],
    });
    expect(await made.codesOf('front')).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('stays with loadbalance-retain when the Ingress goes', async () => {
    const made = await written(2, { [`${TKE}/loadbalance-retain`]: 'true' });
    await made.estate.untilReady('web', 2);
    await made.estate.world.request('DELETE', `${INGRESSES}/front`);
    await made.estate.until('the Ingress is gone', async () => (await made.ingressOf('front')) === undefined);
    expect(made.estate.account.loadBalancers()).toHaveLength(1);
    expect(made.rules()).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('is private in the subnet that it names', async () => {
    const made = await written(3, { [`${KUBERNETES}.subnetId`]: 'subnet-a' });
    await made.estate.untilReady('web', 2);
    expect(made.estate.account.loadBalancers()).toMatchObject([{ type: 'INTERNAL' }]);
    expect(describedOf(made.estate.world)).toMatchObject([{ SubnetId: 'subnet-a' }]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('is an existing one that it names and shares with another Ingress, and stays when both go', async () => {
    const made = await IngressEstate.make({ seed: 4 });
    made.estate.account.addLoadBalancer(THEIRS);
    const annotations = { [`${KUBERNETES}.existLbId`]: THEIRS };
    await made.backend('web');
    await made.write('front', { annotations, rules: [['a.com', '/']] });
    await made.write('back', {
      annotations,
      rules: [
        ['b.com', '/'],
        ['a.com', '/'],
      ],
    });
    await made.untilRoutes(['HTTP:80 a.com/ -> web', 'HTTP:80 b.com/ -> web']);
    await made.estate.untilReady('web', 2);
    // The older one, and of one age the first by name, has what both want.
    const codes = [...(await made.codesOf('front')), ...(await made.codesOf('back'))];
    expect(codes).toEqual(['CD1006']);
    for (const name of ['front', 'back']) await made.estate.world.request('DELETE', `${INGRESSES}/${name}`);
    await made.estate.until('both are gone', async () => {
      return (await made.ingressOf('front')) === undefined && (await made.ingressOf('back')) === undefined;
    });
    expect(made.estate.account.loadBalancers()).toMatchObject([{ id: THEIRS }]);
    expect(made.rules()).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('that does not exist is told, with the annotation to correct', async () => {
    const made = await written(5, { [`${KUBERNETES}.existLbId`]: 'lb-none' });
    await made.estate.passes(MINUTE_MS);
    expect(await made.codesOf('front')).toEqual(['CD1004']);
    const [event] = (await made.estate.world.events()).filter(
      ({ involvedObject }) => involvedObject.kind === 'Ingress',
    );
    expect(event?.message).toMatch(/^CD1004: Ingress default\/front: .* kubernetes.io\/ingress.existLbId/);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });
});

describe('a new leader', () => {
  test('goes on with Ingresses as the one before left them, without a write, and rolls their backends', async () => {
    const made = await IngressEstate.make({ seed: 10 });
    await made.backend('web');
    await made.secret('certificate', 'cert-a');
    await made.write('front', {
      rules: [
        ['a.com', '/'],
        ['', '/any'],
      ],
      tls: [{ secretName: 'certificate' }],
    });
    await made.estate.untilReady('web', 2);
    const routes = made.routes();
    const { journal } = made.estate.world;
    const writesFrom = journal.length;
    made.estate.killLeader();
    await made.estate.passes(2 * MINUTE_MS);
    const writes = journal.slice(writesFrom).flatMap(record => (record.kind === 'call' ? record.action : []));
    expect(writes.filter(action => /^(Create|Delete|Modify|Set|Batch)/.test(action))).toEqual([]);
    await made.estate.roll('web');
    expect(made.routes()).toEqual(routes);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });
});
