import { describe, expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { SECRETS } from './ingress-estate.ts';

const SPECIFY = 'service.cloud.tencent.com/specify-protocol';
const LB = 'lb-theirs';

interface DescribedRule {
  readonly Domain: string;
  readonly Certificate: { readonly CertId: string } | null;
}

async function withWeb(seed: number): Promise<Estate> {
  const estate = await Estate.make({ seed });
  estate.account.addLoadBalancer(LB);
  await estate.deploy('web', { replicas: 2 });
  return estate;
}

async function secret({ world }: Estate, name: string, certificateId: string): Promise<void> {
  const stringData = { qcloud_cert_id: certificateId };
  const metadata = { name, namespace: 'default' };
  await world.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata, stringData });
}

function certificates({ account }: Estate): readonly string[] {
  const described = account.listenersOf(LB).map(({ id }) => account.settingsOf(LB, id));
  const rules = (described as { readonly Rules: readonly DescribedRule[] | null }[]).flatMap(
    ({ Rules }) => Rules ?? [],
  );
  return rules.map(({ Domain, Certificate }) => `${Domain} ${Certificate?.CertId}`).toSorted();
}

describe('hosts over HTTPS', () => {
  const hosts = { 'a.com': { tls: 'cert-a' }, 'b.com': { tls: 'cert-b' } };
  const annotations = { [SPECIFY]: JSON.stringify({ 443: { protocol: ['HTTPS'], hosts } }) };

  test('have each its certificate, and a rolling update under load loses nothing', async () => {
    const estate = await withWeb(1);
    await secret(estate, 'cert-a', 'id-a');
    await secret(estate, 'cert-b', 'id-b');
    await estate.serve('web', { on: LB, annotations, ports: [{ port: 443 }] });
    await estate.untilReady('web', 2);
    expect(certificates(estate)).toEqual(['a.com id-a', 'b.com id-b']);
    const site = { protocol: 'HTTPS', path: '/' } as const;
    const traffic = await Promise.all(
      ['a.com', 'b.com'].map(host => estate.load('web', { port: 443, site: { ...site, host } })),
    );
    await estate.roll('web');
    for (const { tally } of traffic) expect(tally.ok).toBeGreaterThan(500);
    expect(await estate.codesOf('web')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('are not all refused for the bad certificate of one, whose Pods still become Ready (L10, L3)', async () => {
    const estate = await withWeb(2);
    estate.world.clb.elsewhere.refuse(['id-b']);
    await secret(estate, 'cert-a', 'id-a');
    await secret(estate, 'cert-b', 'id-b');
    await estate.serve('web', { on: LB, annotations, ports: [{ port: 443 }] });
    await estate.untilReady('web', 2);
    expect(certificates(estate)).toEqual(['a.com id-a']);
    await estate.passes(MINUTE_MS);
    expect(await estate.codesOf('web')).toEqual(['CD2036']);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('show another certificate once the Secret names one, with the same rules', async () => {
    const estate = await withWeb(3);
    await secret(estate, 'cert-a', 'id-a');
    await secret(estate, 'cert-b', 'id-b');
    await estate.serve('web', { on: LB, annotations, ports: [{ port: 443 }] });
    await estate.untilReady('web', 2);
    const before = estate.account.listenersOf(LB);
    await estate.load('web', { port: 443, site: { protocol: 'HTTPS', host: 'a.com', path: '/' } });
    const stringData = { qcloud_cert_id: 'id-new' };
    await estate.world.request('PATCH', `${SECRETS}/cert-a`, { stringData }, 'application/merge-patch+json');
    await estate.until('the new certificate is shown', () => certificates(estate).includes('a.com id-new'));
    expect(certificates(estate)).toEqual(['a.com id-new', 'b.com id-b']);
    expect(estate.account.listenersOf(LB)).toEqual(before);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});
