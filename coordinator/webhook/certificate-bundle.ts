import type { Secret } from '../../common/kube/objects.ts';

export const SECRET_NAME = 'clb-direct-tls';
/** Holds the CA certificate under `ca.crt`; agents mount it. */
export const CONFIG_MAP_NAME = 'clb-direct-ca';

/** What a TLS server needs. */
export interface ServingCertificate {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
}

/** What a TLS server needs, and what its clients have to trust. */
export interface ServedCertificate extends ServingCertificate {
  /** The CA that signs comes first, then those that signed before or will sign next. */
  readonly caPem: string;
}

/** Certificates of our own making. */
export interface CertificateBundle extends ServedCertificate {
  readonly caKeyPem: string;
  /** The CA that will sign once every client can have it; `caPem` contains it already. */
  readonly next?: ServingCertificate;
}

export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Certificates as an edge. Real carrier: `x509-issuer.ts`; in virtual time: anything that keeps names and dates. */
export interface CertificateIssuer {
  issueAuthority(validity: Validity): Promise<ServingCertificate>;
  /** @throws Error when the authority's certificate or key cannot be read. */
  issueServing(
    authority: ServingCertificate,
    names: readonly string[],
    validity: Validity,
  ): Promise<ServingCertificate>;
  /** Undefined unless all four parts can be read and belong together, and the certificate covers every name. */
  inspect(bundle: CertificateBundle, names: readonly string[]): BundleValidity | undefined;
  /** Why a certificate that somebody else made cannot be served under every name; dates are the clients' business. */
  faultOf(certificate: ServedCertificate, names: readonly string[]): string | undefined;
}

export interface BundleValidity {
  readonly authority: Validity;
  readonly serving: Validity;
  /** Undefined when there is no next CA, or none that could sign. */
  readonly next: Validity | undefined;
}

/** Names under which the webhook and the report stream are reached, in the namespace of the coordinator. */
export function servingNames(namespace: string): readonly string[] {
  const ofService = (service: string) => [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`];
  return [
    'clb-direct-coordinator',
    ...ofService('clb-direct-coordinator'),
    ...ofService('clb-direct-webhook'),
    'localhost',
    '127.0.0.1',
  ];
}

/** Names that clients really ask for: what a certificate of the user's own has to be for. */
export function requiredNames(namespace: string): readonly string[] {
  return ['clb-direct-coordinator', `clb-direct-webhook.${namespace}.svc`];
}

/** Every key of the Secret that is ours. */
const SECRET_KEYS = {
  caPem: 'ca.crt',
  caKeyPem: 'ca.key',
  certificatePem: 'tls.crt',
  privateKeyPem: 'tls.key',
  nextPem: 'next-ca.crt',
  nextKeyPem: 'next-ca.key',
} as const;

/** Undefined when a part is missing. A next CA that clients are not told to trust is none. */
export function bundleFromSecret(secret: Secret): CertificateBundle | undefined {
  const part = (name: keyof typeof SECRET_KEYS) => secretPart(secret, SECRET_KEYS[name]);
  const own = {
    caPem: part('caPem'),
    caKeyPem: part('caKeyPem'),
    certificatePem: part('certificatePem'),
    privateKeyPem: part('privateKeyPem'),
  };
  if (Object.values(own).includes('')) return undefined;
  const next = { certificatePem: part('nextPem'), privateKeyPem: part('nextKeyPem') };
  const isTold =
    next.certificatePem !== '' && next.privateKeyPem !== '' && own.caPem.includes(next.certificatePem.trim());
  return isTold ? { ...own, next } : own;
}

/** The text under a key of a Secret; empty when there is none. */
export function secretPart(secret: Secret, key: string): string {
  return Buffer.from(String(secret.data?.[key] ?? ''), 'base64').toString();
}

/** The Secret's data with the bundle in it; what others keep there stays. */
export function secretData(bundle: CertificateBundle, found: Secret | undefined): Record<string, string> {
  const ours: readonly string[] = Object.values(SECRET_KEYS);
  const others = Object.entries(found?.data ?? {}).filter(([key]) => !ours.includes(key));
  const encoded = (pem: string) => Buffer.from(pem).toString('base64');
  return {
    ...Object.fromEntries(others),
    [SECRET_KEYS.caPem]: encoded(bundle.caPem),
    [SECRET_KEYS.caKeyPem]: encoded(bundle.caKeyPem),
    [SECRET_KEYS.certificatePem]: encoded(bundle.certificatePem),
    [SECRET_KEYS.privateKeyPem]: encoded(bundle.privateKeyPem),
    ...(bundle.next && {
      [SECRET_KEYS.nextPem]: encoded(bundle.next.certificatePem),
      [SECRET_KEYS.nextKeyPem]: encoded(bundle.next.privateKeyPem),
    }),
  };
}
