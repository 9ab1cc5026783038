import { expect, test } from 'vitest';
import { UNHARMED } from '../simulation/load-balancers/estate.ts';
import { IngressEstate, type WrittenRule } from './ingress-estate.ts';

const RULES: readonly WrittenRule[] = [
  ['a.com', '/'],
  ['a.com', '/api', 'api'],
  ['*.b.com', '/', 'api'],
];

/** HTTP and HTTPS alike, two backends, and clients of every host and path. */
async function underLoad(seed: number): Promise<IngressEstate> {
  const made = await IngressEstate.make({ seed });
  for (const name of ['web', 'api']) await made.backend(name);
  await made.secret('certificate', 'cert-a');
  const annotations = { 'kubernetes.io/ingress.rule-mix-both': 'true' };
  await made.write('front', { annotations, rules: RULES, tls: [{ secretName: 'certificate' }] });
  for (const name of ['web', 'api']) await made.estate.untilReady(name, 2);
  const vip = await made.untilAddress();
  for (const [protocol, port] of [
    ['HTTP', 80],
    ['HTTPS', 443],
  ] as const) {
    for (const [host, path] of [
      ['a.com', '/page'],
      ['a.com', '/api/users'],
      ['c.b.com', '/'],
    ] as const) {
      await made.estate.load('front', { vip, port, site: { protocol, host, path } });
    }
  }
  return made;
}

/** The app whose Pod would get the request. */
async function reached(made: IngressEstate, protocol: 'HTTP' | 'HTTPS', host: string, path: string) {
  const vip = await made.untilAddress();
  const endpoint = { vip, port: protocol === 'HTTP' ? 80 : 443, protocol } as const;
  const address = made.estate.world.dataPlane.route(endpoint, { host, path })?.address;
  const pods = await made.estate.world.pods();
  return pods.find(({ status }) => status?.podIP === address)?.metadata.labels?.app;
}

test.each(['HTTP', 'HTTPS'] as const)(
  'requests over %s reach a Pod of the backend of their host and path',
  async scheme => {
    const made = await underLoad(1);
    const of = (host: string, path: string) => reached(made, scheme, host, path);
    expect(await of('a.com', '/page')).toBe('web');
    expect(await of('a.com', '/api/users')).toBe('api');
    expect(await of('c.b.com', '/')).toBe('api');
    expect(await made.estate.end()).toEqual(UNHARMED);
  },
);

test('a rolling update of the backends loses no request', async () => {
  const made = await underLoad(2);
  await made.estate.roll('web');
  await made.estate.roll('api');
  expect(await made.estate.end()).toEqual(UNHARMED);
});

test('a backend that becomes another Service loses no request', async () => {
  const made = await underLoad(3);
  const backend = { service: { name: 'api', port: { number: 80 } } };
  const rules = RULES.map(([host, path]) => ({ host, http: { paths: [{ path, pathType: 'Prefix', backend }] } }));
  await made.patch('front', { spec: { rules } });
  await made.estate.until('the Pods of web have left', () => made.rules().every(({ open }) => open.join() === 'api'));
  await made.estate.passes(30_000);
  expect(await made.estate.stopLoad()).toEqual([]);
  expect(await made.estate.end()).toEqual(UNHARMED);
});
