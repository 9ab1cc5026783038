import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { clbCloud } from './clb-client.ts';
import { apiError, finish, never, setUp, slowly, WIDE } from './clb-cloud.fixture.ts';

describe('reading', () => {
  test('is repeated at most twice when throttled, and the action rests in between', async () => {
    const { clock, cloud, transport } = setUp(() => apiError('RequestLimitExceeded.UinLimitExceeded'));
    const result = await finish(clock, cloud.describeListeners('lb-1', never));
    expect(result).toMatchObject({ error: { code: 'CD2001', class: 'throttled' } });
    expect(transport.calls).toHaveLength(3);
    const [first, second] = transport.calls;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(500);
  });

  test('is not repeated after a terminal error', async () => {
    const { clock, cloud, transport } = setUp(() => apiError('InvalidParameter.LBIdNotFound'));
    const result = await finish(clock, cloud.describeListeners('lb-1', never));
    expect(result).toMatchObject({ error: { code: 'CD2011', notFound: true, outcomeUnknown: false } });
    expect(transport.calls).toHaveLength(1);
  });

  test('gives up a silent attempt after 2 s and asks again', async () => {
    const { clock, cloud } = setUp((_, index) => (index === 0 ? 'never' : { Listeners: [] }));
    const result = await finish(clock, cloud.describeListeners('lb-1', never));
    expect(result).toEqual({ ok: true, value: [] });
    expect(clock.now()).toBeGreaterThanOrEqual(2000);
  });

  test('tells each call with its outcome', async () => {
    const { clock, cloud, observations } = setUp((_, index) => (index === 0 ? apiError('InternalError') : {}));
    await finish(clock, cloud.describeListeners('lb-1', never));
    expect(observations.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'DescribeListeners CD2030',
      'DescribeListeners ok',
    ]);
  });

  test('finds the targets of layer 4 listeners and of layer 7 rules, 20 listeners a call', async () => {
    const { clock, cloud, transport } = setUp((_, index) => ({
      Listeners: [
        {
          ListenerId: `lbl-${index}`,
          Targets: [{ PrivateIpAddresses: ['10.0.0.1'], Port: 80, Weight: 0, Tag: null }],
          Rules: [
            { LocationId: 'loc-1', Targets: [{ PrivateIpAddresses: ['10.0.0.2'], Port: 81, Weight: 7, Tag: 'ours' }] },
          ],
        },
        { ListenerId: 'lbl-empty', Targets: null, Rules: null },
      ],
    }));
    const ids = Array.from({ length: 21 }, (_, index) => `lbl-${index}`);
    const result = await finish(clock, cloud.describeTargets('lb-1', ids, never));
    expect(transport.parametersOf('DescribeTargets').map(each => (each.ListenerIds as string[]).length)).toEqual([
      20, 1,
    ]);
    expect(result).toMatchObject({
      ok: true,
      value: [
        { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80, weight: 0, tag: '' },
        { listenerId: 'lbl-0', locationId: 'loc-1', address: '10.0.0.2', port: 81, weight: 7, tag: 'ours' },
        { listenerId: 'lbl-1' },
        { listenerId: 'lbl-1' },
      ],
    });
  });

  test('reads the pages of many listeners at once, at most four, and keeps their order', async () => {
    const { clock, transport } = setUp(({ parameters }) => {
      const ids = parameters.ListenerIds as string[];
      const Targets = [{ PrivateIpAddresses: ['10.0.0.1'], Port: 80, Weight: 1 }];
      return { Listeners: ids.map(ListenerId => ({ ListenerId, Targets })) };
    });
    const delayed = slowly(transport, clock, 200);
    const ids = Array.from({ length: 110 }, (_, index) => `lbl-${index}`);
    const cloud = clbCloud({ transport: delayed, clock, random: seededRandom(1), limits: WIDE });
    const result = await finish(clock, cloud.describeTargets('lb-1', ids, never));
    expect(result.ok && result.value.map(binding => binding.listenerId)).toEqual(ids);
    expect(delayed.atOnceMax).toBe(4);
    expect(clock.now()).toBe(400);
  });

  test('a page that fails fails the reading, and no further page is asked for after the caller stopped', async () => {
    const { clock, cloud } = setUp(({ parameters }) =>
      (parameters.ListenerIds as string[]).includes('lbl-25') ? apiError('UnauthorizedOperation') : { Listeners: [] },
    );
    const ids = Array.from({ length: 60 }, (_, index) => `lbl-${index}`);
    const result = await finish(clock, cloud.describeTargets('lb-1', ids, never));
    expect(result).toMatchObject({ ok: false, error: { code: 'CD2027' } });
    const controller = new AbortController();
    controller.abort(new Error('stopped'));
    await expect(cloud.describeTargets('lb-1', ids, controller.signal)).rejects.toThrow('stopped');
  });

  test('tells a target bound as an instance from one bound by its ENI address', async () => {
    const Targets = [
      { Type: 'CVM', InstanceId: 'ins-1', PrivateIpAddresses: ['10.1.0.1'], Port: 80, Weight: 10 },
      { Type: 'ENI', InstanceId: '', EniId: 'eni-1', PrivateIpAddresses: ['10.0.0.1'], Port: 80, Weight: 10 },
    ];
    const { clock, cloud } = setUp(() => ({ Listeners: [{ ListenerId: 'lbl-1', Targets }] }));
    const result = await finish(clock, cloud.describeTargets('lb-1', ['lbl-1'], never));
    expect(result.ok && result.value).toEqual([
      { listenerId: 'lbl-1', locationId: '', address: '10.1.0.1', port: 80, weight: 10, tag: '', instanceId: 'ins-1' },
      { listenerId: 'lbl-1', locationId: '', address: '10.0.0.1', port: 80, weight: 10, tag: '' },
    ]);
  });

  test.each([
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['10.0.0.1', '10.0.0.1'],
  ])('writes the address %s as Kubernetes does', async (told, address) => {
    const Targets = [{ Type: 'ENI', PrivateIpAddresses: [told], Port: 80, Weight: 10 }];
    const { clock, cloud } = setUp(() => ({ Listeners: [{ ListenerId: 'lbl-1', Targets }] }));
    const result = await finish(clock, cloud.describeTargets('lb-1', ['lbl-1'], never));
    expect(result.ok && result.value[0]?.address).toBe(address);
  });

  test('finds the forwarding rules of a layer 7 listener, and none on layer 4', async () => {
    const { clock, cloud } = setUp(() => ({
      Listeners: [
        { ListenerId: 'lbl-1', Protocol: 'TCP', Port: 80, HealthCheck: { HealthSwitch: 1 }, Rules: null },
        {
          ListenerId: 'lbl-2',
          Protocol: 'HTTP',
          Port: 81,
          HealthCheck: null,
          Rules: [
            { LocationId: 'loc-1', Domain: 'a.example', Url: '/' },
            { LocationId: 'loc-2', Domain: null, Domains: ['b.example', 'c.example'], Url: '/x' },
          ],
        },
      ],
    }));
    const result = await finish(clock, cloud.describeListeners('lb-1', never));
    expect(result.ok && result.value.map(listener => listener.forwardingRules)).toEqual([
      [],
      [
        { locationId: 'loc-1', domain: 'a.example', url: '/', settings: {} },
        { locationId: 'loc-2', domain: 'b.example', url: '/x', settings: {} },
      ],
    ]);
  });

  test('tells the settings of listeners and rules as far as it knows them', async () => {
    const healthCheck = { HealthSwitch: 1, IntervalTime: 7, CheckPort: null, SourceIpType: 1, CheckType: 'NEW' };
    const certificate = { SSLMode: 'MUTUAL', CertId: 'cert-1', CertCaId: 'ca-1', ExtCertIds: ['cert-2'] };
    const rule = { LocationId: 'loc-1', Domain: 'a', Url: '/', Certificate: certificate, Http2: true };
    const { clock, cloud } = setUp(() => ({
      Listeners: [
        { ListenerId: 'lbl-1', Protocol: 'TCP', Port: 80, Scheduler: 'WRR', HealthCheck: healthCheck, AttrFlags: [] },
        {
          ListenerId: 'lbl-2',
          Protocol: 'HTTPS',
          Port: 443,
          SniSwitch: 1,
          KeepaliveEnable: 1,
          Rules: [{ ...rule, RewriteTarget: { TargetListenerId: 'lbl-3', TargetLocationId: 'loc-3' } }],
        },
      ],
    }));
    const result = await finish(clock, cloud.describeListeners('lb-1', never));
    const [tcp, https] = result.ok ? result.value : [];
    const told = { enabled: true, intervalSeconds: 7, checkPort: -1, sourceIpType: 1 };
    expect(tcp?.settings).toEqual({ scheduler: 'WRR', healthCheck: told, snat: false });
    expect(https?.settings).toEqual({ isSni: true, keepalive: true });
    expect(https?.forwardingRules[0]).toMatchObject({
      settings: { certificate: { certificateIds: ['cert-1', 'cert-2'], authorityId: 'ca-1' }, http2: true },
      redirectsTo: { listenerId: 'lbl-3', locationId: 'loc-3' },
    });
  });

  test('takes the documented quota for what CLB does not tell', async () => {
    const { clock, cloud } = setUp(() => ({
      QuotaSet: [
        { QuotaId: 'TOTAL_LISTENER_QUOTA', QuotaCurrent: null, QuotaLimit: 60 },
        { QuotaId: 'TOTAL_TARGET_BIND_QUOTA', QuotaCurrent: null, QuotaLimit: null },
      ],
    }));
    expect(await finish(clock, cloud.describeQuota(never))).toEqual({
      ok: true,
      value: { listenersPerLoadBalancer: 60, forwardingRulesPerListener: 50, targetsPerRule: 100 },
    });
  });

  test('health of more than 30 load balancers in one call is a bug of the caller', async () => {
    const { cloud } = setUp(() => ({}));
    const ids = Array.from({ length: 31 }, (_, index) => `lb-${index}`);
    await expect(cloud.describeTargetHealth(ids, never)).rejects.toThrow('31');
  });

  test.each([
    ['Alive', 'healthy'],
    ['Dead', 'unhealthy'],
    ['Unknown', 'unknown'],
    ['Close', 'closed'],
    ['Resting', 'unknown'],
  ])('health %s is %s', async (HealthStatusDetail, health) => {
    const Targets = [{ IP: '10.0.0.1', Port: 80, Weight: 10, HealthStatus: false, HealthStatusDetail }];
    const { clock, cloud } = setUp(() => ({
      LoadBalancers: [{ LoadBalancerId: 'lb-1', Listeners: [{ ListenerId: 'lbl-1', Rules: [{ Targets }] }] }],
    }));
    const result = await finish(clock, cloud.describeTargetHealth(['lb-1'], never));
    expect(result).toMatchObject({ value: [{ listenerId: 'lbl-1', locationId: '', address: '10.0.0.1', health }] });
  });
});

describe('load balancers', () => {
  const described = (id: string) => ({
    LoadBalancerId: id,
    LoadBalancerName: 'web',
    Status: 1,
    LoadBalancerVips: ['127.100.0.1'],
    VpcId: 'vpc-1',
    Tags: [{ TagKey: 'clb-direct-cluster', TagValue: 'abc' }],
    AttributeFlags: ['DeleteProtect'],
  });

  test.each([
    ['IPv6FullChain', 'IPv6'],
    ['IPv6Nat64', 'IPv4'],
    [null, 'IPv4'],
  ])('of the mode %s take %s targets', async (IPv6Mode, addressFamily) => {
    const { clock, cloud } = setUp(() => ({ TotalCount: 1, LoadBalancerSet: [{ ...described('lb-1'), IPv6Mode }] }));
    const result = await finish(clock, cloud.describeLoadBalancers({ ids: ['lb-1'] }, never));
    expect(result.ok && result.value[0]?.addressFamily).toBe(addressFamily);
  });

  test('are listed page by page with the tag filters', async () => {
    const { clock, cloud, transport } = setUp(({ parameters }) => ({
      TotalCount: 101,
      LoadBalancerSet: Array.from({ length: parameters.Offset === 0 ? 100 : 1 }, (_, index) =>
        described(`lb-${Number(parameters.Offset) + index}`),
      ),
    }));
    const query = { tags: { 'clb-direct-cluster': 'abc' } };
    const result = await finish(clock, cloud.describeLoadBalancers(query, never));
    expect(result.ok && result.value).toHaveLength(101);
    expect(transport.parametersOf('DescribeLoadBalancers')).toEqual(
      [0, 100].map(Offset => ({
        Limit: 100,
        Offset,
        Filters: [{ Name: 'tag:clb-direct-cluster', Values: ['abc'] }],
      })),
    );
    expect(result.ok && result.value[0]).toMatchObject({
      id: 'lb-0',
      running: true,
      virtualAddresses: ['127.100.0.1'],
      deleteProtected: true,
    });
  });

  test('are listed again when their number changes between two pages, so that none is overlooked', async () => {
    const all = Array.from({ length: 150 }, (_, index) => `lb-${index}`);
    const { clock, cloud, transport } = setUp(({ parameters: { Offset } }, index) => {
      const present = index === 0 ? all : all.slice(1);
      const page = present.slice(Number(Offset), Number(Offset) + 100);
      return { TotalCount: present.length, LoadBalancerSet: page.map(described) };
    });
    const result = await finish(clock, cloud.describeLoadBalancers({ tags: { owner: 'us' } }, never));
    expect(result.ok && result.value.map(each => each.id)).toEqual(all.slice(1));
    expect(transport.parametersOf('DescribeLoadBalancers').map(each => each.Offset)).toEqual([0, 100, 0, 100]);
  });

  test('one unknown id does not hide the others', async () => {
    const { clock, cloud } = setUp(({ parameters }) => {
      const ids = parameters.LoadBalancerIds as string[];
      if (ids.includes('lb-gone')) return apiError('InvalidParameter', 'LB not exist');
      return { TotalCount: ids.length, LoadBalancerSet: ids.map(described) };
    });
    const query = { ids: ['lb-1', 'lb-gone', 'lb-2'] };
    const result = await finish(clock, cloud.describeLoadBalancers(query, never));
    expect(result.ok && result.value.map(each => each.id)).toEqual(['lb-1', 'lb-2']);
  });
});
