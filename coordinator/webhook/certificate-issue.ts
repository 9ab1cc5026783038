import {
  type CertificateBundle,
  type CertificateIssuer,
  type ServingCertificate,
  servingNames,
  type Validity,
} from './certificate-bundle.ts';
import type { CertificateStep, CertificateTerms } from './certificate-step.ts';

/** Certificates are valid a little before they are made, for clients whose clocks are late. */
const CLOCK_SKEW_MS = 3_600_000;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

export interface IssueOptions {
  readonly issuer: CertificateIssuer;
  /** The coordinator's own. */
  readonly namespace: string;
  readonly terms: CertificateTerms;
  readonly nowMs: number;
}

/** A CA, and a serving certificate that it signed. */
export async function newBundle(options: IssueOptions): Promise<CertificateBundle> {
  const authority = await issueAuthority(options);
  const serving = await issueServing(authority, options);
  return { ...serving, caPem: authority.certificatePem, caKeyPem: authority.privateKeyPem };
}

/** The bundle after the step. @throws Error when the CA's key cannot be used. */
export async function afterStep(
  step: Exclude<CertificateStep, 'none'>,
  bundle: CertificateBundle,
  options: IssueOptions,
): Promise<CertificateBundle> {
  switch (step) {
    case 'start-over':
      return newBundle(options);
    case 'renew-serving':
      return { ...bundle, ...(await issueServing(authorityOf(bundle), options)) };
    case 'announce-authority': {
      const next = await issueAuthority(options);
      return { ...bundle, next, caPem: joined([authorityPem(bundle), next.certificatePem]) };
    }
    case 'switch-authority': {
      const { next, caPem, ...rest } = bundle;
      if (!next) throw new Error('only a CA that was announced can take over');
      const serving = await issueServing(next, options);
      const trusted = joined([next.certificatePem, authorityPem(bundle)]);
      return { ...rest, ...serving, caPem: trusted, caKeyPem: next.privateKeyPem };
    }
    case 'retire-replaced':
      return { ...bundle, caPem: joined([authorityPem(bundle)]) };
  }
}

/** How many CAs clients are told to trust. */
export function trustedCount({ caPem }: Pick<CertificateBundle, 'caPem'>): number {
  return caPem.match(CERTIFICATE)?.length ?? 0;
}

function issueAuthority({ issuer, terms, nowMs }: IssueOptions): Promise<ServingCertificate> {
  return issuer.issueAuthority(lifeFrom(nowMs, terms.authorityLifeMs));
}

function issueServing(authority: ServingCertificate, options: IssueOptions): Promise<ServingCertificate> {
  const { issuer, namespace, terms, nowMs } = options;
  return issuer.issueServing(authority, servingNames(namespace), lifeFrom(nowMs, terms.servingLifeMs));
}

function authorityOf(bundle: CertificateBundle): ServingCertificate {
  return { certificatePem: authorityPem(bundle), privateKeyPem: bundle.caKeyPem };
}

/** The CA that signs is the first. */
function authorityPem({ caPem }: CertificateBundle): string {
  return caPem.match(CERTIFICATE)?.[0] ?? caPem;
}

function joined(pems: readonly string[]): string {
  return pems.map(pem => `${pem.trim()}\n`).join('');
}

function lifeFrom(nowMs: number, lifeMs: number): Validity {
  return { notBeforeMs: nowMs - CLOCK_SKEW_MS, notAfterMs: nowMs + lifeMs };
}
