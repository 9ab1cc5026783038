import { expect, it } from 'vitest';
import { type Fixture, fixture, withRules } from './server-fixture.ts';

const SHOP = { Domain: 'shop.example.com', Url: '/' };
const BLOG = { Domain: 'blog.example.com', Url: '/' };

/** Two rules of one listener, and a way to redirect one to another. */
async function twoRules(clb: Fixture) {
  const { loadBalancerId: LoadBalancerId, listenerId, locationIds } = await withRules(clb, SHOP, BLOG);
  const [shop = '', blog = ''] = locationIds;
  const rewrite = (SourceLocationId: string, TargetLocationId: string, more: object = {}) => ({
    LoadBalancerId,
    SourceListenerId: listenerId,
    TargetListenerId: listenerId,
    RewriteInfos: [{ SourceLocationId, TargetLocationId, ...more }],
  });
  const read = async () => (await clb.call('DescribeRewrite', { LoadBalancerId })).RewriteSet as object[];
  return { LoadBalancerId, shop, blog, rewrite, read };
}

it('a redirect is told of its rule until it is taken away', async () => {
  const clb = fixture();
  const { shop, blog, rewrite, read } = await twoRules(clb);
  await clb.finished(await clb.call('ManualRewrite', rewrite(shop, blog, { RewriteCode: 307 })));
  const target = { TargetLocationId: blog, RewriteCode: 307, TakeUrl: true };
  expect(await read()).toMatchObject([{ LocationId: shop, RewriteTarget: target }]);
  await clb.finished(await clb.call('DeleteRewrite', rewrite(shop, blog)));
  expect(await read()).toEqual([]);
});

it.each([
  ['a chain', (shop: string, blog: string) => [blog, shop, {}] as const, 'InvalidParameter'],
  ['a circle', (shop: string) => [shop, shop, {}] as const, 'InvalidParameter'],
  [
    'a status of another kind',
    (shop: string, blog: string) => [shop, blog, { RewriteCode: 303 }] as const,
    'InvalidParameterValue',
  ],
  ['a rule that is not there', (shop: string) => [shop, 'loc-none', {}] as const, 'InvalidParameter.LocationNotFound'],
])('%s is refused', async (_, between, code) => {
  const clb = fixture();
  const { shop, blog, rewrite } = await twoRules(clb);
  await clb.finished(await clb.call('ManualRewrite', rewrite(shop, blog)));
  expect(await clb.codeOf('ManualRewrite', rewrite(...between(shop, blog)))).toBe(code);
});
