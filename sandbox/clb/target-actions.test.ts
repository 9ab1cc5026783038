import { describe, expect, it } from 'vitest';
import { type Fixture, fixture, recordsOf, targets, withListener, withRules } from './server-fixture.ts';

const SHOP = { Domain: 'shop.example.com', Url: '/' };
const CART = { Domain: 'shop.example.com', Url: '/cart' };
const INSTANCES = { 'ins-node1': '10.1.0.1' };

interface DescribedTarget {
  readonly PrivateIpAddresses: readonly string[];
  readonly Weight: number;
  readonly Tag: string;
}

interface DescribedListener {
  readonly Rules: readonly { readonly LocationId: string; readonly Targets: readonly DescribedTarget[] }[] | null;
  readonly Targets: readonly DescribedTarget[] | null;
}

async function described(clb: Fixture, LoadBalancerId: string, Filters: object[] = []): Promise<DescribedListener> {
  const { Listeners: listeners } = await clb.call('DescribeTargets', { LoadBalancerId, Filters });
  return (listeners as DescribedListener[])[0] ?? { Rules: null, Targets: null };
}

/** Two rules, of which the first has one target and the second two. */
async function withTargets(clb: Fixture) {
  const rules = await withRules(clb, SHOP, CART);
  const [first, second] = rules.locationIds;
  const of = (LocationId: string | undefined, count: number) =>
    targets(rules.listenerId, count).map(target => ({ ...target, LocationId }));
  const request = { LoadBalancerId: rules.loadBalancerId, Targets: [...of(first, 1), ...of(second, 2)] };
  await clb.call('BatchRegisterTargets', request);
  await clb.clock.advance(2_000);
  return { ...rules, request };
}

describe('a batch on layer 7', () => {
  it('binds the same address once for each rule', async () => {
    const clb = fixture();
    const { loadBalancerId, locationIds } = await withTargets(clb);
    const { Rules: rules, Targets: own } = await described(clb, loadBalancerId);
    expect(own).toBeNull();
    expect(rules?.map(({ LocationId, Targets }) => [LocationId, Targets.length])).toEqual([
      [locationIds[0], 1],
      [locationIds[1], 2],
    ]);
    const changes = recordsOf(clb.server, 'change').at(-1)?.changes;
    expect(changes).toMatchObject([0, 1, 1].map(index => ({ locationId: locationIds[index] })));
  });

  it.each([
    ['without a rule', {}, 'MissingParameter'],
    ['with an unknown rule', { LocationId: 'loc-gone' }, 'InvalidParameter.LocationNotFound'],
  ])('is refused %s', async (_, name, code) => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withRules(clb, SHOP);
    const batch = { LoadBalancerId: loadBalancerId, Targets: [{ ...targets(listenerId, 1)[0], ...name }] };
    expect(await clb.codeOf('BatchRegisterTargets', batch)).toBe(code);
    expect(await clb.codeOf('BatchDeregisterTargets', batch)).toBe(code);
  });

  it('changes weights and takes targets away in the rules it names alone', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId, locationIds } = await withTargets(clb);
    const [first, second] = locationIds;
    const Targets = [{ EniIp: '10.0.0.1', Port: 8080 }];
    const entry = { ListenerId: listenerId, LocationId: second, Targets, Weight: 0 };
    await clb.finished(await clb.call('BatchModifyTargetWeight', { LoadBalancerId, ModifyList: [entry] }));
    const before = await described(clb, LoadBalancerId);
    expect(before.Rules?.map(rule => rule.Targets.map(({ Weight }) => Weight))).toEqual([[10], [0, 10]]);
    const gone = [{ ...targets(listenerId, 1)[0], LocationId: first }];
    await clb.call('BatchDeregisterTargets', { LoadBalancerId, Targets: gone });
    const after = await described(clb, LoadBalancerId);
    expect(after.Rules?.map(rule => rule.Targets.length)).toEqual([0, 2]);
  });

  it('has a quota for each rule', async () => {
    const clb = fixture({ quota: { targetsPerListener: 2 } });
    const { loadBalancerId: LoadBalancerId, listenerId, locationIds } = await withTargets(clb);
    const fresh = { ListenerId: listenerId, EniIp: '10.0.0.9', Port: 1 };
    const codeIn = (LocationId: string | undefined) =>
      clb.codeOf('BatchRegisterTargets', { LoadBalancerId, Targets: [{ ...fresh, LocationId }] });
    expect(await codeIn(locationIds[1])).toBe('LimitExceeded');
    expect(await codeIn(locationIds[0])).toBe('');
  });

  it('is found by the id of a rule, by its tag and by its address', async () => {
    const clb = fixture();
    const { loadBalancerId, locationIds } = await withTargets(clb);
    const counted = async (Name: string, ...Values: string[]) =>
      (await described(clb, loadBalancerId, [{ Name, Values }])).Rules?.map(({ Targets }) => Targets.length);
    expect(await counted('location-id', locationIds[1] ?? '')).toEqual([0, 2]);
    expect(await counted('private-ip-address', '10.0.0.2')).toEqual([0, 1]);
    expect(await counted('tag', 'none has it')).toEqual([0, 0]);
  });

  it('has a health of its own in each rule', async () => {
    const clb = fixture();
    const { loadBalancerId, locationIds } = await withTargets(clb);
    const query = { LoadBalancerIds: [loadBalancerId], LocationIds: locationIds.slice(1) };
    const answer = await clb.call('DescribeTargetHealth', query);
    const named = { ...CART, LocationId: locationIds[1], Targets: [{ IP: '10.0.0.1' }, { IP: '10.0.0.2' }] };
    expect(answer.LoadBalancers).toMatchObject([{ Listeners: [{ Rules: [named] }] }]);
  });
});

describe('an instance', () => {
  const target = (ListenerId: string, machine: object) => ({ ListenerId, Port: 80, ...machine });

  it('is bound by its id and shown with its address', async () => {
    const clb = fixture({ instances: INSTANCES });
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const Targets = [target(listenerId, { InstanceId: 'ins-node1' })];
    await clb.call('BatchRegisterTargets', { LoadBalancerId, Targets });
    expect(await described(clb, LoadBalancerId)).toMatchObject({
      Targets: [{ Type: 'CVM', InstanceId: 'ins-node1', PrivateIpAddresses: ['10.1.0.1'] }],
    });
    const changes = recordsOf(clb.server, 'change').at(-1)?.changes;
    expect(changes).toMatchObject([{ instanceId: 'ins-node1', address: '10.1.0.1' }]);
    await clb.clock.advance(2_000);
    await clb.call('BatchDeregisterTargets', { LoadBalancerId, Targets });
    expect((await described(clb, LoadBalancerId)).Targets).toEqual([]);
  });

  it.each([
    ['an unknown one', { InstanceId: 'ins-gone' }, 'InvalidParameterValue'],
    ['its primary address as an ENI', { EniIp: '10.1.0.1' }, 'InvalidParameterValue'],
    ['both names', { InstanceId: 'ins-node1', EniIp: '10.1.0.2' }, 'InvalidParameter'],
    ['an IPv6 address on IPv4', { EniIp: 'fd00::1' }, 'InvalidParameterValue'],
  ])('is refused: %s', async (_, machine, code) => {
    const clb = fixture({ instances: INSTANCES });
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const Targets = [target(listenerId, machine)];
    expect(await clb.codeOf('BatchRegisterTargets', { LoadBalancerId, Targets })).toBe(code);
  });
});

describe('a tag', () => {
  it('can be given to what is bound, and nothing else changes', async () => {
    const clb = fixture();
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    await clb.call('BatchRegisterTargets', { LoadBalancerId, Targets: targets(listenerId, 2, 7) });
    await clb.clock.advance(2_000);
    const Targets = [1, 2].map(host => ({
      EniIp: `10.0.0.${host}`,
      Port: 8080,
      ...(host === 1 ? { Tag: 'own' } : {}),
    }));
    const entry = { ListenerId: listenerId, Targets, Tag: 'shared' };
    await clb.call('BatchModifyTargetTag', { LoadBalancerId, ModifyList: [entry] });
    const { Targets: found } = await described(clb, LoadBalancerId);
    expect(found?.map(({ Tag, Weight }) => [Tag, Weight])).toEqual([
      ['own', 7],
      ['shared', 7],
    ]);
  });

  it('is refused when it is too long', async () => {
    const clb = fixture({ manners: { tagLengthMax: 4 } });
    const { loadBalancerId: LoadBalancerId, listenerId } = await withListener(clb);
    const Targets = [{ EniIp: '10.0.0.1', Port: 8080, Tag: 'longer' }];
    const ModifyList = [{ ListenerId: listenerId, Targets }];
    expect(await clb.codeOf('BatchModifyTargetTag', { LoadBalancerId, ModifyList })).toBe(
      'InvalidParameterValue.Length',
    );
  });
});
