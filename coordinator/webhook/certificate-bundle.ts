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

export interface CertificateBundle extends ServingCertificate {
  /** What clients trust: the signing CA first, then one it replaced, if any. */
  readonly caPem: string;
  readonly caKeyPem: string;
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
}

export interface BundleValidity {
  readonly authority: Validity;
  readonly serving: Validity;
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

/** Undefined when a part is missing. */
export function bundleFromSecret(secret: Secret): CertificateBundle | undefined {
  const part = (key: string) => Buffer.from(String(secret.data?.[key] ?? ''), 'base64').toString();
  const bundle: CertificateBundle = {
    caPem: part('ca.crt'),
    caKeyPem: part('ca.key'),
    certificatePem: part('tls.crt'),
    privateKeyPem: part('tls.key'),
  };
  return Object.values(bundle).includes('') ? undefined : bundle;
}

export function secretData(bundle: CertificateBundle): Record<string, string> {
  const encoded = (pem: string) => Buffer.from(pem).toString('base64');
  return {
    'ca.crt': encoded(bundle.caPem),
    'ca.key': encoded(bundle.caKeyPem),
    'tls.crt': encoded(bundle.certificatePem),
    'tls.key': encoded(bundle.privateKeyPem),
  };
}
