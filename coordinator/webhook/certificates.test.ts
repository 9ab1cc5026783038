import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { CertificateBundle, CertificateIssuer, Validity } from './certificate-bundle.ts';
import { ensureCertificates, keepCertificates } from './certificates.ts';
import { StoredObjects } from './stored-objects.ts';

const SECRET = '/api/v1/namespaces/clb-direct/secrets/clb-direct-tls';
const CONFIG_MAP = '/api/v1/namespaces/clb-direct/configmaps/clb-direct-ca';
const DAY_MS = 86_400_000;
const signal = new AbortController().signal;

let clock: VirtualClock;
let server: StoredObjects;
let issuer: CertificateIssuer;

beforeEach(() => {
  clock = new VirtualClock();
  server = new StoredObjects();
  issuer = fakeIssuer();
});

describe('certificates', () => {
  test('are made once, and published for agents', async () => {
    const bundle = await ensure();
    expect(server.writes()).toEqual([
      'POST /api/v1/namespaces/clb-direct/secrets',
      'POST /api/v1/namespaces/clb-direct/configmaps',
    ]);
    expect(server.objects.get(CONFIG_MAP)).toMatchObject({ data: { 'ca.crt': bundle.caPem } });
    expect(await ensure()).toEqual(bundle);
    expect(server.writes()).toHaveLength(2);
  });

  test('are those of the faster replica when two start at once', async () => {
    const bundles = await Promise.all([ensure(), ensure(), ensure()]);
    expect(new Set(bundles.map(bundle => bundle.certificatePem)).size).toBe(1);
    expect(new Set(bundles.map(bundle => bundle.caPem)).size).toBe(1);
  });

  test('are read from the Secret, not from what lost the race for it', async () => {
    const winner = await ensure();
    const stored = server.objects.get(SECRET);
    server.objects.clear();
    server.beforeWrite = () => {
      if (stored && !server.objects.has(SECRET)) server.put(SECRET, stored);
    };
    expect(await ensure()).toEqual(winner);
  });

  test('keep their CA when only the serving certificate runs out', async () => {
    const before = await ensure();
    await clock.advance(59 * DAY_MS);
    expect(await ensure()).toEqual(before);
    await clock.advance(2 * DAY_MS);
    const after = await ensure();
    expect(after.certificatePem).not.toBe(before.certificatePem);
    expect(after.caPem).toBe(before.caPem);
    expect(await ensure()).toEqual(after);
  });

  test('get a new CA before the old one runs out, and clients trust both', async () => {
    const before = await ensure();
    await clock.advance(2_500 * DAY_MS);
    const after = await ensure();
    expect(after.caPem).not.toBe(before.caPem);
    expect(after.caPem).toContain(before.caPem.trim());
    expect(server.objects.get(CONFIG_MAP)).toMatchObject({ data: { 'ca.crt': after.caPem } });
  });

  test.each([
    ['lacks a part', { 'tls.key': '' }],
    ['holds junk', { 'tls.crt': 'anVuaw==' }],
  ])('are made anew when the Secret %s, leaving alone what else is in it', async (_name, damage) => {
    const before = await ensure();
    const secret = server.objects.get(SECRET) as { data: Record<string, string>; metadata: { name: string } };
    server.put(SECRET, { ...secret, data: { ...secret.data, ...damage, note: 'bWluZQ==' } } as never);
    const after = await ensure();
    expect(after.certificatePem).not.toBe(before.certificatePem);
    expect(server.objects.get(SECRET)).toMatchObject({ data: { note: 'bWluZQ==' } });
  });

  test('are given up for this time when others keep changing the Secret', async () => {
    await ensure();
    await clock.advance(61 * DAY_MS);
    server.beforeWrite = () => {
      const stored = server.objects.get(SECRET);
      if (stored) server.put(SECRET, stored);
    };
    await expect(ensure()).rejects.toThrow(/Secret clb-direct\/clb-direct-tls was changed by others/);
  });

  test('are watched over: told at first, after a renewal, and never twice', async () => {
    const told: CertificateBundle[] = [];
    const stop = new AbortController();
    const random = seededRandom(1);
    const onCertificates = (bundle: CertificateBundle) => told.push(bundle);
    server.reachable = false;
    const done = keepCertificates({ ...options(), random, onCertificates }, stop.signal);
    await clock.advance(5_000);
    expect(told).toHaveLength(0);
    server.reachable = true;
    await clock.advance(20 * 60_000);
    expect(told).toHaveLength(1);
    server.objects.delete(SECRET);
    await clock.advance(60_000);
    expect(told).toHaveLength(2);
    stop.abort();
    await done;
  });
});

function options() {
  return { transport: server, issuer, namespace: 'clb-direct', clock, logger: silentLogger };
}

function ensure(): Promise<CertificateBundle> {
  return ensureCertificates(options(), signal);
}

/** Certificates that are nothing but their serial number, their issuer's, and their dates. */
function fakeIssuer(): CertificateIssuer {
  let serial = 0;
  const issue = async (issuedBy: string, validity: Validity) => {
    serial += 1;
    const body = JSON.stringify({ serial, issuedBy, ...validity });
    return {
      certificatePem: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
      privateKeyPem: `key ${serial}`,
    };
  };
  const read = (pem: string) => JSON.parse(pem.split('\n')[1] ?? '') as { serial: number; issuedBy: string } & Validity;
  return {
    issueAuthority: validity => issue('itself', validity),
    issueServing: (authority, _names, validity) => issue(String(read(authority.certificatePem).serial), validity),
    inspect(bundle) {
      try {
        const [authority, serving] = [read(bundle.caPem), read(bundle.certificatePem)];
        return serving.issuedBy === String(authority.serial) ? { authority, serving } : undefined;
      } catch {
        return undefined;
      }
    },
  };
}
