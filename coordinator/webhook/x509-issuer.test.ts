import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type CertificateBundle, servingNames } from './certificate-bundle.ts';
import { x509Issuer } from './x509-issuer.ts';

const NAMES = servingNames('clb-direct');
const AUTHORITY_LIFE = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2036, 0, 1) };
const SERVING_LIFE = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2026, 3, 1) };
const issuer = x509Issuer();

describe('the issuer', () => {
  test('makes a CA and a certificate that it signed, for every name of the coordinator', async () => {
    const bundle = await newBundle();
    const [authority, serving] = [new X509Certificate(bundle.caPem), new X509Certificate(bundle.certificatePem)];
    expect(authority.ca).toBe(true);
    expect(serving.ca).toBe(false);
    expect(serving.checkIssued(authority)).toBe(true);
    expect(serving.checkHost('clb-direct-webhook.clb-direct.svc')).toBeDefined();
    expect(serving.checkHost('clb-direct-coordinator')).toBeDefined();
    expect(serving.checkIP('127.0.0.1')).toBeDefined();
    expect(serving.checkHost('example.com')).toBeUndefined();
    expect(issuer.inspect(bundle, NAMES)).toEqual({
      authority: AUTHORITY_LIFE,
      serving: SERVING_LIFE,
      next: undefined,
    });
  });

  test('finds fault with parts that do not belong together or cannot be read', async () => {
    const [one, other] = [await newBundle(), await newBundle()];
    const { certificatePem, privateKeyPem, caPem, caKeyPem } = other;
    const mixtures: Partial<CertificateBundle>[] = [
      { certificatePem },
      { privateKeyPem },
      { caPem },
      { caKeyPem },
      { caPem: 'not a certificate' },
      { privateKeyPem: certificatePem },
    ];
    for (const part of mixtures) expect(issuer.inspect({ ...one, ...part }, NAMES)).toBeUndefined();
    expect(issuer.inspect(one, [...NAMES, 'elsewhere.example'])).toBeUndefined();
  });

  test('takes a next CA for one only with its own key', async () => {
    const [bundle, other] = [await newBundle(), await newBundle()];
    const next = { certificatePem: other.caPem, privateKeyPem: other.caKeyPem };
    expect(issuer.inspect({ ...bundle, next }, NAMES)?.next).toEqual(AUTHORITY_LIFE);
    const mixed = { ...next, privateKeyPem: bundle.caKeyPem };
    expect(issuer.inspect({ ...bundle, next: mixed }, NAMES)).toMatchObject({ next: undefined });
  });

  test('takes a certificate of somebody else, and says what is wrong with one', async () => {
    const [one, other] = [await newBundle(), await newBundle()];
    expect(issuer.faultOf({ ...one, caPem: `${other.caPem}\n${one.caPem}` }, NAMES)).toBeUndefined();
    expect(issuer.faultOf({ ...one, certificatePem: '' }, NAMES)).toBe('tls.crt holds no certificate');
    expect(issuer.faultOf({ ...one, caPem: '' }, NAMES)).toMatch(/^ca.crt holds no certificate/);
    expect(issuer.faultOf({ ...one, caPem: other.caPem }, NAMES)).toBe('no CA of ca.crt signed the certificate');
    expect(issuer.faultOf({ ...one, privateKeyPem: other.privateKeyPem }, NAMES)).toBe(
      'tls.key is not the key of tls.crt',
    );
    expect(issuer.faultOf({ ...one, privateKeyPem: 'junk' }, NAMES)).toMatch(/^a part of it cannot be read/);
    expect(issuer.faultOf(one, ['elsewhere.example'])).toBe('the certificate is not for the name elsewhere.example');
  });
});

async function newBundle(): Promise<CertificateBundle> {
  const authority = await issuer.issueAuthority(AUTHORITY_LIFE);
  const serving = await issuer.issueServing(authority, NAMES, SERVING_LIFE);
  return { ...serving, caPem: authority.certificatePem, caKeyPem: authority.privateKeyPem };
}
