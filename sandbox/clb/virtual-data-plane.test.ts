import { describe, expect, it } from 'vitest';
import { fixture, withListener } from './server-fixture.ts';
import { virtualDataPlane } from './virtual-data-plane.ts';

const SHOP = {
  host: 'shop.example.com',
  path: '/cart',
  rule: { Domain: 'shop.example.com', Url: '/' },
  exactRule: { Domain: 'shop.example.com', Url: '=/up' },
};
/** For the forwarders and the health checks. */
const SETTLED_WITHIN_MS = 60_000;

/** An HTTP listener made by calls, with a rule for everything of one domain and one without targets. */
async function serving(addresses: readonly string[]) {
  const clb = fixture();
  const { loadBalancerId, listenerId, vip } = await withListener(clb, { Protocol: 'HTTP' });
  const name = { LoadBalancerId: loadBalancerId, ListenerId: listenerId };
  const created = await clb.call('CreateRule', { ...name, Rules: [SHOP.rule, SHOP.exactRule] });
  await clb.finished(created);
  const [LocationId] = created.LocationIds as string[];
  const bindings = addresses.map(address => ({
    ListenerId: listenerId,
    LocationId,
    EniIp: address,
    Port: 8080,
    Weight: 10,
  }));
  await clb.call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets: bindings });
  await clb.clock.advance(SETTLED_WITHIN_MS);
  return {
    clb,
    plane: virtualDataPlane(clb.server),
    endpoint: { vip, port: 80, protocol: 'HTTP' as const },
    async deregister(address: string) {
      const Targets = [{ ListenerId: listenerId, LocationId, EniIp: address, Port: 8080 }];
      await clb.call('BatchDeregisterTargets', { LoadBalancerId: loadBalancerId, Targets });
      await clb.clock.advance(SETTLED_WITHIN_MS);
    },
  };
}

describe('a listener of layer 7 in virtual time', () => {
  it('sends requests to the targets of their rule once these are healthy', async () => {
    const { plane, endpoint } = await serving(['10.0.0.1', '10.0.0.2']);
    const addresses = Array.from({ length: 8 }, () => plane.route(endpoint, SHOP)?.address);
    expect(new Set(addresses)).toEqual(new Set(['10.0.0.1', '10.0.0.2']));
    expect(plane.route(endpoint, { ...SHOP, path: '/up/to' })).toBeDefined();
    expect(plane.route(endpoint, { ...SHOP, path: '/up' })).toBeUndefined();
    expect(plane.choose(endpoint, '10.9.9.9')).toBeUndefined();
  });

  it('takes connections whose requests each get a target, and cuts them with the target', async () => {
    const { plane, endpoint, deregister } = await serving(['10.0.0.1']);
    let cuts = 0;
    const onCut = () => {
      cuts += 1;
    };
    const connection = plane.accept(endpoint);
    expect(connection?.request(SHOP, onCut)).toMatchObject({ kind: 'target', target: { address: '10.0.0.1' } });
    await deregister('10.0.0.1');
    expect(cuts).toBe(1);
    expect(connection?.request(SHOP, onCut)).toEqual({ kind: 'no-target' });
    expect(plane.route(endpoint, SHOP)).toBeUndefined();
  });

  it('refuses connections where no listener is', async () => {
    const { plane, endpoint } = await serving(['10.0.0.1']);
    expect(plane.accept({ ...endpoint, port: 81 })).toBeUndefined();
    expect(plane.route({ ...endpoint, protocol: 'HTTPS' }, SHOP)).toBeUndefined();
  });
});
