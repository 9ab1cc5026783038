import type { BundleValidity, Validity } from './certificate-bundle.ts';

export interface CertificateTerms {
  readonly authorityLifeMs: number;
  readonly servingLifeMs: number;
  /**
   * How long a change of what clients trust has to stand, in the ConfigMap and in the webhook's registration, before
   * anything relies on it. The API server takes a registration over within a second; a kubelet brings a ConfigMap into
   * running Pods within two minutes or so, and agents read the file at each connect. Nobody tells whether all have.
   */
  readonly spreadMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const CERTIFICATE_TERMS: CertificateTerms = {
  authorityLifeMs: 3_650 * DAY_MS,
  servingLifeMs: 90 * DAY_MS,
  spreadMs: HOUR_MS,
};

export interface CertificateFacts {
  readonly validity: BundleValidity;
  /** Clients are told to trust more CAs than sign now or next. */
  readonly trustsReplaced: boolean;
  readonly nowMs: number;
  /** For how long clients have been able to read what they are told to trust now. */
  readonly settledMs: number;
}

/** What has to be done next about certificates that can be read. */
export type CertificateStep =
  | 'none'
  /** Nothing that is there can sign: clients have nothing to go by, and the new CA starts at once. */
  | 'start-over'
  | 'renew-serving'
  /** Another CA is made, for clients to trust beside the one that signs. */
  | 'announce-authority'
  /** The one announced signs from now on; clients still trust the one before. */
  | 'switch-authority'
  /** Clients need not trust CAs that sign no more. */
  | 'retire-replaced';

/** One step; after it is taken the next is asked for. What has less than a third of its life left is due. */
export function nextStep(facts: CertificateFacts, { spreadMs }: CertificateTerms): CertificateStep {
  const { validity, nowMs, settledMs, trustsReplaced } = facts;
  const hasNext = validity.next !== undefined && isValid(validity.next, nowMs);
  if (!isValid(validity.authority, nowMs)) return hasNext ? 'switch-authority' : 'start-over';
  if (hasNext && settledMs >= spreadMs) return 'switch-authority';
  if (isDue(validity.serving, nowMs)) return 'renew-serving';
  if (!hasNext && isDue(validity.authority, nowMs)) return 'announce-authority';
  if (!hasNext && trustsReplaced && settledMs >= spreadMs) return 'retire-replaced';
  return 'none';
}

function isValid({ notBeforeMs, notAfterMs }: Validity, nowMs: number): boolean {
  return nowMs >= notBeforeMs && nowMs < notAfterMs;
}

function isDue(validity: Validity, nowMs: number): boolean {
  const { notBeforeMs, notAfterMs } = validity;
  return !isValid(validity, nowMs) || notAfterMs - nowMs < (notAfterMs - notBeforeMs) / 3;
}
