import { createPrivateKey, KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type {
  BundleValidity,
  CertificateBundle,
  CertificateIssuer,
  ServedCertificate,
  ServingCertificate,
  Validity,
} from './certificate-bundle.ts';

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const AUTHORITY_NAME = 'CN=clb-direct CA';
const SERVING_NAME = 'CN=clb-direct-coordinator';

/**
 * ECDSA P-256 certificates. The X.509 library costs 22 MiB and 100 ms to load, so it is loaded only when something is
 * issued: by the first replica, once, and at renewals.
 */
export function x509Issuer(): CertificateIssuer {
  return { issueAuthority, issueServing, inspect, faultOf };
}

async function issueAuthority(validity: Validity): Promise<ServingCertificate> {
  const x509 = await loadLibrary();
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: AUTHORITY_NAME,
    keys,
    signingAlgorithm: KEY_ALGORITHM,
    ...dates(validity),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: pemOf(keys.privateKey) };
}

async function issueServing(
  authority: ServingCertificate,
  names: readonly string[],
  validity: Validity,
): Promise<ServingCertificate> {
  const x509 = await loadLibrary();
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: SERVING_NAME,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority.privateKeyPem),
    signingAlgorithm: KEY_ALGORITHM,
    ...dates(validity),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(value => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: pemOf(keys.privateKey) };
}

function inspect(bundle: CertificateBundle, names: readonly string[]): BundleValidity | undefined {
  try {
    const authority = new X509Certificate(bundle.caPem);
    const serving = new X509Certificate(bundle.certificatePem);
    const belongTogether =
      serving.verify(authority.publicKey) &&
      authority.checkPrivateKey(createPrivateKey(bundle.caKeyPem)) &&
      serving.checkPrivateKey(createPrivateKey(bundle.privateKeyPem));
    if (!belongTogether || !names.every(name => isFor(serving, name))) return undefined;
    return {
      authority: validityOf(authority),
      serving: validityOf(serving),
      next: bundle.next && validityOfPair(bundle.next),
    };
  } catch {
    // Not PEM, not a certificate, not a key: all the same to the caller.
    return undefined;
  }
}

function faultOf({ certificatePem, privateKeyPem, caPem }: ServedCertificate, names: readonly string[]) {
  try {
    const [serving, ...intermediates] = certificatesIn(certificatePem);
    if (!serving) return 'tls.crt holds no certificate';
    const authorities = certificatesIn(caPem);
    if (authorities.length === 0) return 'ca.crt holds no certificate, and clients have to know the CA';
    if (!serving.checkPrivateKey(createPrivateKey(privateKeyPem))) return 'tls.key is not the key of tls.crt';
    const uncovered = names.find(name => !isFor(serving, name));
    if (uncovered !== undefined) return `the certificate is not for the name ${uncovered}`;
    const isSigned = [serving, ...intermediates].some(signed =>
      authorities.some(({ publicKey }) => signed.verify(publicKey)),
    );
    return isSigned ? undefined : 'no CA of ca.crt signed the certificate';
  } catch (error) {
    return `a part of it cannot be read (${error instanceof Error ? error.message : error})`;
  }
}

function certificatesIn(pem: string): X509Certificate[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return found.map(certificate => new X509Certificate(certificate));
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
}

/** Undefined when the key is not that of the certificate, or either cannot be read. */
function validityOfPair({ certificatePem, privateKeyPem }: ServingCertificate): Validity | undefined {
  try {
    const certificate = new X509Certificate(certificatePem);
    return certificate.checkPrivateKey(createPrivateKey(privateKeyPem)) ? validityOf(certificate) : undefined;
  } catch {
    return undefined;
  }
}

async function loadLibrary() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

function signingKey(privateKeyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(privateKeyPem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, KEY_ALGORITHM, false, ['sign']);
}

function pemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function dates(validity: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(validity.notBeforeMs), notAfter: new Date(validity.notAfterMs) };
}

function validityOf(certificate: X509Certificate): Validity {
  return { notBeforeMs: certificate.validFromDate.getTime(), notAfterMs: certificate.validToDate.getTime() };
}
