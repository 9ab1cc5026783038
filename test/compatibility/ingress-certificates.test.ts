import { expect, test } from 'vitest';
import { UNHARMED } from '../simulation/load-balancers/estate.ts';
import { MERGE_PATCH } from '../simulation/manifests.ts';
import { callsOf } from './cloud-notes.ts';
import { IngressEstate, SECRETS, type WrittenIngress } from './ingress-estate.ts';

const CERTIFICATE = 'ingress.cloud.tencent.com/certificate';

async function written(seed: number, ingress: WrittenIngress): Promise<IngressEstate> {
  const made = await IngressEstate.make({ seed });
  await made.backend('web');
  await made.secret('one', 'cert-one');
  await made.secret('other', 'cert-other', 'ca-other');
  await made.write('front', ingress);
  return made;
}

/** Certificates by domain. */
function certificates(made: IngressEstate): Readonly<Record<string, string>> {
  return Object.fromEntries(made.rules().map(({ domain, certificate }) => [domain, certificate]));
}

test('each host has the certificate that is named for it: its own before a wildcard before one for all', async () => {
  const made = await written(1, {
    rules: [
      ['a.com', '/'],
      ['b.a.com', '/'],
      ['c.com', '/'],
    ],
    tls: [
      { secretName: 'one' },
      { hosts: ['*.a.com'], secretName: 'other' },
      { hosts: ['a.com'], secretName: 'other' },
    ],
  });
  await made.estate.untilReady('web', 2);
  expect(certificates(made)).toEqual({ 'a.com': 'cert-other', 'b.a.com': 'cert-other', 'c.com': 'cert-one' });
  const listener = made.listeners().find(({ Port }) => Port === 443);
  expect(listener).toMatchObject({ Protocol: 'HTTPS', SniSwitch: 1 });
  const rule = made.described().find(({ Domain }) => Domain === 'a.com');
  expect(rule?.Certificate).toMatchObject({ SSLMode: 'MUTUAL', CertCaId: 'ca-other' });
  expect(await made.codesOf('front')).toEqual([]);
  expect(await made.estate.end()).toEqual(UNHARMED);
});

test('a certificate by annotation needs no Secret, and yields to spec.tls', async () => {
  const annotations = { [CERTIFICATE]: '[{"hosts":["a.com"],"qcloud_cert_id":["cert-annotated"]}]' };
  const made = await written(2, { rules: [['a.com', '/']], annotations });
  await made.estate.untilReady('web', 2);
  expect(certificates(made)).toEqual({ 'a.com': 'cert-annotated' });
  expect(await made.codesOf('front')).toEqual([]);
  await made.patch('front', { spec: { tls: [{ secretName: 'one' }] } });
  await made.estate.until('that of spec.tls is used', () => certificates(made)['a.com'] === 'cert-one');
  expect(await made.codesOf('front')).toEqual(['CD1044']);
  expect(await made.estate.end()).toEqual(UNHARMED);
});

test('a Secret that changes changes the certificate in place, and one that goes leaves it as it is', async () => {
  const made = await written(3, { rules: [['a.com', '/']], tls: [{ secretName: 'one' }] });
  await made.estate.untilReady('web', 2);
  const { world } = made.estate;
  await world.request('PATCH', `${SECRETS}/one`, { stringData: { qcloud_cert_id: 'cert-renewed' } }, MERGE_PATCH);
  await made.estate.until('the new one is used', () => certificates(made)['a.com'] === 'cert-renewed');
  await world.request('DELETE', `${SECRETS}/one`);
  await made.estate.passes(60_000);
  expect(certificates(made)).toEqual({ 'a.com': 'cert-renewed' });
  expect(await made.codesOf('front')).toEqual(['CD1041']);
  await made.estate.untilReady('web', 2);
  expect(await made.estate.end()).toEqual(UNHARMED);
});

test('a host whose Secret is missing waits alone, and is served once it is there', async () => {
  const made = await written(4, {
    rules: [
      ['a.com', '/'],
      ['late.com', '/'],
    ],
    tls: [
      { hosts: ['a.com'], secretName: 'one' },
      { hosts: ['late.com'], secretName: 'late' },
    ],
  });
  await made.untilRoutes(['HTTPS:443 a.com/ -> web']);
  await made.estate.untilReady('web', 2);
  expect(await made.codesOf('front')).toEqual(['CD1041']);
  await made.secret('late', 'cert-late');
  await made.untilRoutes(['HTTPS:443 a.com/ -> web', 'HTTPS:443 late.com/ -> web']);
  expect(await made.estate.end()).toEqual(UNHARMED);
});

test('one bad certificate among many keeps only its own host from being served, and costs few calls (L10)', async () => {
  const hosts = Array.from({ length: 40 }, (_, index) => `h${index}.com`);
  const [bad = '', ...good] = hosts.toReversed();
  const estate = await IngressEstate.make({ seed: 5 });
  estate.estate.account.refuse(['cert-bad']);
  await estate.backend('web');
  await estate.secret('one', 'cert-one');
  await estate.secret('bad', 'cert-bad');
  await estate.write('front', {
    rules: hosts.map(host => [host, '/'] as const),
    tls: [{ secretName: 'one' }, { hosts: [bad], secretName: 'bad' }],
  });
  await estate.untilRoutes(good.map(host => `HTTPS:443 ${host}/ -> web`));
  expect(callsOf(estate.estate.world, 'CreateRule').length).toBeLessThan(16);
  await estate.estate.untilReady('web', 2);
  expect(await estate.codesOf('front')).toEqual(['CD2036']);
  expect(await estate.estate.end()).toEqual(UNHARMED);
});
