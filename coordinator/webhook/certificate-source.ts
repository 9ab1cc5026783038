import type { ServedCertificate } from './certificate-bundle.ts';
import type { Kept } from './kept-object.ts';

/** Where the certificate of both listeners comes from. Its Secret is read by each call. */
export interface CertificateSource {
  /** In the coordinator's namespace. */
  readonly secretName: string;
  /** What was read last of all that could be used. */
  readonly current: ServedCertificate | undefined;
  /** For the start: resolves with what can be served. @throws Error when there is nothing yet */
  obtain(signal: AbortSignal): Promise<ServedCertificate>;
  /** Takes over what others wrote. @throws Error when it could not be read */
  follow(signal: AbortSignal): Promise<void>;
  /**
   * The same, and does what the leader has to do about it.
   * @param settledMs for how long clients have been able to read the CAs of `current`
   * @throws Error when it could not be read or written
   */
  lead(settledMs: () => number, signal: AbortSignal): Promise<Kept>;
}
