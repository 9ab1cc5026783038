import { describe, expect, test } from 'vitest';
import { UNHARMED } from '../simulation/load-balancers/estate.ts';
import { LONG } from '../simulation/model-client.ts';
import { trafficOn } from '../simulation/traffic.ts';
import { IngressEstate } from './ingress-estate.ts';

/** An Ingress `front` for these hosts, which all lead to `web`. */
async function serving(hosts: readonly string[], seed: number): Promise<IngressEstate> {
  const made = await IngressEstate.make({ seed });
  await made.backend('web');
  await made.write('front', { rules: hosts.map(host => [host, '/'] as const) });
  await made.untilRoutes(hosts.map(host => `HTTP:80 ${host}/ -> web`));
  await made.estate.untilReady('web', 2);
  return made;
}

async function want(made: IngressEstate, places: readonly (readonly [host: string, path: string])[]): Promise<void> {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const rules = places.map(([host, path]) => ({ host, http: { paths: [{ path, pathType: 'Prefix', backend }] } }));
  await made.patch('front', { spec: { rules } });
}

describe('hosts of an Ingress', () => {
  test('may go though one is the default domain of its listener, and the others lose nothing', async () => {
    const made = await serving(['a.com', 'b.com', 'c.com'], 1);
    const vip = await made.untilAddress();
    const former = made.rules().find(({ isDefault }) => isDefault)?.domain ?? '';
    const [host = '', ...others] = ['a.com', 'b.com', 'c.com'].filter(each => each !== former);
    const site = { protocol: 'HTTP', host, path: '/' } as const;
    const traffic = await made.estate.load('web', { vip, site });
    await want(
      made,
      [host, ...others].map(each => [each, '/']),
    );
    await made.untilRoutes([host, ...others].map(each => `HTTP:80 ${each}/ -> web`));
    expect(made.rules().filter(({ isDefault }) => isDefault)).toHaveLength(1);
    await made.estate.roll('web');
    expect(traffic.tally.ok).toBeGreaterThan(500);
    expect(await made.codesOf('front')).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('may lose a path while its Pods answer long requests: those are answered, and then the rule goes', async () => {
    const made = await serving(['a.com'], 3);
    await want(made, [
      ['a.com', '/one'],
      ['a.com', '/two'],
    ]);
    await made.untilRoutes(['HTTP:80 a.com/one -> web', 'HTTP:80 a.com/two -> web']);
    const vip = await made.untilAddress();
    const { world } = made.estate;
    const site = { protocol: 'HTTP', host: 'a.com', path: '/two' } as const;
    const traffic = trafficOn(world, { vip, port: 80, group: 9, habits: Array(6).fill(LONG), site });
    await made.estate.passes(20_000);
    const ended = traffic.stop();
    await want(made, [['a.com', '/one']]);
    await made.untilRoutes(['HTTP:80 a.com/one -> web']);
    await ended;
    expect(traffic.tally.ok).toBeGreaterThan(6);
    expect([...traffic.tally.lost]).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('may be replaced by others altogether', async () => {
    const made = await serving(['a.com'], 2);
    await want(made, [['b.com', '/']]);
    await made.untilRoutes(['HTTP:80 b.com/ -> web']);
    expect(await made.codesOf('front')).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });
});
