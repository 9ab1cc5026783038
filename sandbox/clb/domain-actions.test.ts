import { describe, expect, it } from 'vitest';
import { type Fixture, fixture } from './server-fixture.ts';

const SHOP = { Domain: 'shop.example.com', Url: '/' };
const CART = { Domain: 'shop.example.com', Url: '/cart' };
const BLOG = { Domain: 'blog.example.com', Url: '/' };

function certificate(CertId: string) {
  return { Certificate: { SSLMode: 'UNIDIRECTIONAL', CertId } };
}

interface DescribedListener {
  readonly Certificate: unknown;
  readonly SniSwitch: number;
  readonly Rules: readonly Readonly<Record<string, unknown>>[];
}

async function described(clb: Fixture, LoadBalancerId: string): Promise<DescribedListener> {
  const { Listeners } = await clb.call('DescribeListeners', { LoadBalancerId });
  const [listener] = Listeners as DescribedListener[];
  return listener ?? { Certificate: null, SniSwitch: 0, Rules: [] };
}

/** An HTTPS listener made with these parameters. */
async function https(clb: Fixture, parameters: object) {
  const { id: LoadBalancerId } = clb.server.seed({});
  const answer = await clb.call('CreateListener', { LoadBalancerId, Ports: [443], Protocol: 'HTTPS', ...parameters });
  await clb.finished(answer);
  const [ListenerId] = answer.ListenerIds as string[];
  const name = { LoadBalancerId, ListenerId };
  const done = async (action: string, given: object) => clb.finished(await clb.call(action, { ...name, ...given }));
  return { LoadBalancerId, name, done };
}

describe('an HTTPS listener', () => {
  it('without SNI has the certificates, and its domains have none', async () => {
    const clb = fixture();
    const list = { SSLMode: 'MUTUAL', CertList: ['rsa', 'ecc', 'ca'].map(CertId => ({ CertId })) };
    const { LoadBalancerId, name } = await https(clb, { MultiCertInfo: list });
    expect((await described(clb, LoadBalancerId)).Certificate).toEqual({
      SSLMode: 'MUTUAL',
      CertId: 'rsa',
      CertCaId: 'ca',
      ExtCertIds: ['ecc'],
    });
    expect(await clb.codeOf('CreateRule', { ...name, Rules: [{ ...SHOP, ...certificate('c') }] })).toBe(
      'InvalidParameter',
    );
  });

  it('with SNI has a certificate for each domain, which all its rules share', async () => {
    const clb = fixture();
    const { LoadBalancerId, name, done } = await https(clb, { SniSwitch: 1 });
    await done('CreateRule', {
      Rules: [{ ...SHOP, ...certificate('shop') }, CART, { ...BLOG, ...certificate('blog') }],
    });
    await done('ModifyDomainAttributes', { Domain: SHOP.Domain, ...certificate('new'), Http2: true });
    const { Rules } = await described(clb, LoadBalancerId);
    const shop = { Certificate: { CertId: 'new' }, Http2: true };
    expect(Rules).toMatchObject([shop, shop, { Certificate: { CertId: 'blog' }, Http2: false }]);
    const bare = { ...name, Rules: [{ Domain: 'bare.example.com', Url: '/' }] };
    expect(await clb.codeOf('CreateRule', bare)).toBe('InvalidParameter');
  });

  it('gets SNI later, when its certificate becomes that of every domain, and never loses it', async () => {
    const clb = fixture();
    const { LoadBalancerId, name, done } = await https(clb, certificate('old'));
    await done('CreateRule', { Rules: [SHOP, BLOG] });
    await done('ModifyListener', { SniSwitch: 1 });
    expect(await described(clb, LoadBalancerId)).toMatchObject({
      SniSwitch: 1,
      Certificate: null,
      Rules: [{ Certificate: { CertId: 'old' } }, { Certificate: { CertId: 'old' } }],
    });
    expect(await clb.codeOf('ModifyListener', { ...name, SniSwitch: 0 })).toBe('InvalidParameter');
  });

  it('takes no certificate that the account does not have', async () => {
    const clb = fixture();
    clb.server.elsewhere.refuse(['gone']);
    const { name } = await https(clb, { SniSwitch: 1 });
    const rules = {
      ...name,
      Rules: [
        { ...SHOP, ...certificate('shop') },
        { ...BLOG, ...certificate('gone') },
      ],
    };
    expect(await clb.codeOf('CreateRule', rules)).toBe('InvalidParameterValue');
  });
});

describe('a default domain', () => {
  it('passes to another domain, and never to none', async () => {
    const clb = fixture();
    const { LoadBalancerId, name, done } = await https(clb, certificate('c'));
    await done('CreateRule', { Rules: [SHOP, BLOG] });
    const defaults = async () => (await described(clb, LoadBalancerId)).Rules.map(rule => rule.DefaultServer);
    expect(await defaults()).toEqual([true, false]);
    await done('ModifyDomainAttributes', { Domain: BLOG.Domain, DefaultServer: true });
    expect(await defaults()).toEqual([false, true]);
    const off = { ...name, Domain: BLOG.Domain, DefaultServer: false };
    expect(await clb.codeOf('ModifyDomainAttributes', off)).toBe('InvalidParameter');
    await done('ModifyDomainAttributes', { ...off, NewDefaultServerDomain: SHOP.Domain });
    expect(await defaults()).toEqual([true, false]);
  });

  it('must have a rule', async () => {
    const clb = fixture();
    const { name } = await https(clb, certificate('c'));
    const unknown = { ...name, Domain: 'no.example.com', DefaultServer: true };
    expect(await clb.codeOf('ModifyDomainAttributes', unknown)).toBe('InvalidParameter.LocationNotFound');
  });
});
