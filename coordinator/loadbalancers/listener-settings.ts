export type {
  CertificateSettings,
  ForwardingSettings,
  ListenerSettings,
} from '../cloud/settings.ts';

/**
 * The requests for the rule's host and path are sent on to HTTPS at `port`, with the status `code`; the rule of the same
 * host and path there must exist, else nothing is redirected yet. A rule that redirects serves no targets.
 */
export interface Redirect {
  readonly port: number;
  readonly code: 301 | 302 | 307;
}
