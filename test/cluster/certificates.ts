import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const validityMs = 30 * 24 * 60 * 60 * 1000;
const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Both in PEM; the key as PKCS #8. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organization?: string;
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** A certificate that is good for servers and clients alike. */
  issue(request: CertificateRequest): Promise<KeyPair>;
}

/** A certificate authority that lives as long as its key stays in memory; what it issues is valid for 30 days. */
export async function makeAuthority(nowMs: number): Promise<Authority> {
  const keys = await generateKeys();
  const validity = { notBefore: new Date(nowMs - 60_000), notAfter: new Date(nowMs + validityMs) };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    keys,
    name: [{ CN: ['clb-direct test cluster'] }],
    signingAlgorithm: keyAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    certificate: authority.toString('pem'),
    async issue(request) {
      const own = await generateKeys();
      const certificate = await x509.X509CertificateGenerator.create({
        ...validity,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        issuer: authority.subject,
        subject: subjectOf(request),
        signingAlgorithm: keyAlgorithm,
        extensions: extensionsOf(request),
      });
      return { certificate: certificate.toString('pem'), privateKey: await exportKey('pkcs8', own.privateKey) };
    },
  };
}

/** The pair that signs and verifies ServiceAccount tokens, in PEM. */
export async function makeTokenKeys(): Promise<{ publicKey: string; privateKey: string }> {
  const keys = await generateKeys();
  return { publicKey: await exportKey('spki', keys.publicKey), privateKey: await exportKey('pkcs8', keys.privateKey) };
}

function subjectOf(request: CertificateRequest): x509.JsonName {
  const organization = request.organization === undefined ? [] : [{ O: [request.organization] }];
  return [...organization, { CN: [request.commonName] }];
}

function extensionsOf({ dnsNames = [], addresses = [] }: CertificateRequest): x509.Extension[] {
  const names = [
    ...dnsNames.map(value => ({ type: 'dns' as const, value })),
    ...addresses.map(value => ({ type: 'ip' as const, value })),
  ];
  const usages = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
  return [
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
  ];
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

async function exportKey(format: 'pkcs8' | 'spki', key: webcrypto.CryptoKey): Promise<string> {
  const label = format === 'pkcs8' ? x509.PemConverter.PrivateKeyTag : x509.PemConverter.PublicKeyTag;
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey(format, key), label);
}
