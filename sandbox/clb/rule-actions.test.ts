import { describe, expect, it } from 'vitest';
import { type Fixture, fixture, recordsOf, targets, withListener, withRules } from './server-fixture.ts';

const SHOP = { Domain: 'shop.example.com', Url: '/' };
const CART = { Domain: 'shop.example.com', Url: '/cart' };
const BLOG = { Domain: 'blog.example.com', Url: '/' };

interface DescribedRule {
  readonly LocationId: string;
  readonly Domain: string;
  readonly Url: string;
  readonly DefaultServer: boolean;
  readonly HealthCheck: Readonly<Record<string, unknown>>;
}

async function described(clb: Fixture, loadBalancerId: string): Promise<readonly DescribedRule[]> {
  const { Listeners: listeners } = await clb.call('DescribeListeners', { LoadBalancerId: loadBalancerId });
  return (listeners as { readonly Rules: readonly DescribedRule[] }[]).flatMap(({ Rules }) => Rules);
}

describe('creating rules', () => {
  it('is one task for many, with their ids in the order asked for', async () => {
    const clb = fixture();
    const { loadBalancerId, locationIds } = await withRules(clb, SHOP, CART, BLOG);
    expect(await described(clb, loadBalancerId)).toMatchObject(
      [SHOP, CART, BLOG].map((rule, index) => ({ ...rule, LocationId: locationIds[index] })),
    );
    expect(locationIds[0]).toMatch(/^loc-[a-z0-9]{8}$/);
  });

  it('takes 400 ms and 50 ms for each rule, and keeps other writes off the load balancer', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb, { Protocol: 'HTTP' });
    const startedAt = clb.clock.wallNow();
    const request = { LoadBalancerId: loadBalancerId, ListenerId: listenerId };
    const answer = await clb.call('CreateRule', { ...request, Rules: [SHOP, CART] });
    expect(await described(clb, loadBalancerId)).toEqual([]);
    expect(await clb.codeOf('CreateRule', { ...request, Rules: [BLOG] })).toBe('FailedOperation.ResourceInOperating');
    await clb.finished(answer);
    const change = recordsOf(clb.server, 'change').find(({ action }) => action === 'CreateRule');
    expect((change?.at ?? 0) - startedAt).toBe(500);
    expect(change?.changes.map(({ kind }) => kind)).toEqual(['rule-created', 'rule-created']);
  });

  it.each([
    ['a domain and URL that exist', { Rules: [BLOG, SHOP] }, 'InvalidParameterValue.Duplicate'],
    ['a domain and URL twice', { Rules: [BLOG, BLOG] }, 'InvalidParameterValue.Duplicate'],
    ['no rule', { Rules: [] }, 'InvalidParameterValue.Length'],
    ['a URL without /', { Rules: [{ ...BLOG, Url: 'x' }] }, 'InvalidParameter.FormatError'],
    ['a domain that is none', { Rules: [{ ...BLOG, Domain: 'a b' }] }, 'InvalidParameter.FormatError'],
    ['a broken regular expression', { Rules: [{ ...BLOG, Url: '~ ^/a(' }] }, 'InvalidParameter.FormatError'],
    ['a rule without a domain', { Rules: [{ Url: '/' }] }, 'MissingParameter'],
    [
      'two default domains',
      { Rules: [BLOG, CART].map(rule => ({ ...rule, DefaultServer: true })) },
      'InvalidParameter',
    ],
    ['a check port', { Rules: [{ ...BLOG, HealthCheck: { CheckPort: 80 } }] }, 'InvalidParameterValue'],
    ['a TCP check', { Rules: [{ ...BLOG, HealthCheck: { CheckType: 'TCP' } }] }, 'InvalidParameterValue'],
    ['a session of 10 s', { Rules: [{ ...BLOG, SessionExpireTime: 10 }] }, 'InvalidParameterValue'],
    ['an unknown listener', { ListenerId: 'lbl-gone', Rules: [BLOG] }, 'InvalidParameter.ListenerIdNotFound'],
  ])('refuses %s', async (_, request, code) => {
    const clb = fixture();
    const { listenerName } = await withRules(clb, SHOP);
    expect(await clb.codeOf('CreateRule', { ...listenerName, ...request })).toBe(code);
  });

  it('refuses a listener of layer 4', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerId } = await withListener(clb);
    const request = { LoadBalancerId: loadBalancerId, ListenerId: listenerId, Rules: [SHOP] };
    expect(await clb.codeOf('CreateRule', request)).toBe('InvalidParameter.ProtocolCheckFailed');
  });

  it('refuses more rules than the quota, which DescribeQuota tells', async () => {
    const clb = fixture({ quota: { rulesPerListener: 2 } });
    const { listenerName } = await withRules(clb, SHOP, CART);
    expect(await clb.codeOf('CreateRule', { ...listenerName, Rules: [BLOG] })).toBe('LimitExceeded');
    expect(await clb.call('DescribeQuota', {})).toMatchObject({
      QuotaSet: expect.arrayContaining([{ QuotaId: 'TOTAL_LISTENER_RULE_QUOTA', QuotaCurrent: null, QuotaLimit: 2 }]),
    });
  });
});

describe('the default domain', () => {
  it('is the first one, until another is asked for', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerName } = await withRules(clb, SHOP, CART);
    const rule = { ...BLOG, DefaultServer: true };
    await clb.finished(await clb.call('CreateRule', { ...listenerName, Rules: [rule] }));
    const found = await described(clb, loadBalancerId);
    expect(found.map(({ DefaultServer }) => DefaultServer)).toEqual([false, false, true]);
    const change = recordsOf(clb.server, 'change').at(-1);
    expect(change?.changes.map(({ kind }) => kind)).toEqual(['rule-created', 'rule-modified', 'rule-modified']);
  });

  it('goes only when another takes its place, or nothing is left', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerName } = await withRules(clb, SHOP, BLOG);
    const removal = { ...listenerName, Domain: SHOP.Domain };
    expect(await clb.codeOf('DeleteRule', removal)).toBe('InvalidParameter');
    await clb.finished(await clb.call('DeleteRule', { ...removal, NewDefaultServerDomain: BLOG.Domain }));
    expect(await described(clb, loadBalancerId)).toMatchObject([{ ...BLOG, DefaultServer: true }]);
    await clb.finished(await clb.call('DeleteRule', { ...listenerName, Domain: BLOG.Domain }));
    expect(await described(clb, loadBalancerId)).toEqual([]);
  });

  it('passes on by itself where the manners say so', async () => {
    const clb = fixture({ manners: { defaultDomainRemoval: 'pass-on' } });
    const { loadBalancerId, listenerName, locationIds } = await withRules(clb, SHOP, BLOG);
    await clb.finished(await clb.call('DeleteRule', { ...listenerName, LocationIds: locationIds.slice(0, 1) }));
    expect(await described(clb, loadBalancerId)).toMatchObject([{ ...BLOG, DefaultServer: true }]);
  });
});

describe('a rule', () => {
  it('can be given another health check, scheduler and session', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerName, locationIds } = await withRules(clb, SHOP);
    const changes = { HealthCheck: { HttpCheckPath: '/healthz', HttpCode: 2 }, SessionExpireTime: 60 };
    await clb.finished(await clb.call('ModifyRule', { ...listenerName, LocationId: locationIds[0], ...changes }));
    expect(await described(clb, loadBalancerId)).toMatchObject([
      {
        SessionExpireTime: 60,
        HealthCheck: { CheckType: 'HTTP', HttpCheckPath: '/healthz', HttpCode: 2, HttpCheckDomain: SHOP.Domain },
      },
    ]);
  });

  it('takes its targets along, and names its own when it is unknown', async () => {
    const clb = fixture();
    const { loadBalancerId, listenerName, listenerId, locationIds } = await withRules(clb, SHOP, CART);
    const bound = targets(listenerId, 2).map(target => ({ ...target, LocationId: locationIds[1] }));
    await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: bound });
    await clb.clock.advance(2_000);
    const removal = { ...listenerName, LocationIds: locationIds.slice(1) };
    await clb.finished(await clb.call('DeleteRule', removal));
    const kinds = recordsOf(clb.server, 'change')
      .at(-1)
      ?.changes.map(({ kind }) => kind);
    expect(kinds).toEqual(['target-deregistered', 'target-deregistered', 'rule-deleted']);
    expect(await clb.codeOf('DeleteRule', removal)).toBe('InvalidParameter.LocationNotFound');
  });
});
