import type { IngressRuleRecord } from '../kube/ingress-reflector.ts';

/** Host and path in CLB's own terms. */
export interface ForwardingPlace {
  /** Empty: any host, see `withDomains`. */
  readonly domain: string;
  readonly url: string;
}

const DOMAIN_LENGTH_MAX = 80;
const URL_LENGTH_MAX = 200;
const DOMAIN = /^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?(\.\*)?$/i;
/** How CLB's own matching is written: a beginning, one path (`=`), a regular expression (`~`, `~*`). */
const CLB_URL = /^(\/|=\s*\/|~)/;

/**
 * Exact becomes CLB's `=`. Prefix is CLB's own, which goes by characters and not by parts between slashes.
 * ImplementationSpecific is handed on as it is. Undefined when CLB has no such host or path.
 */
export function forwardingPlace({ host, path, pathType }: IngressRuleRecord): ForwardingPlace | undefined {
  const url = pathType === 'Exact' ? `=${path}` : path || '/';
  const isHost = host === '' || (host.length <= DOMAIN_LENGTH_MAX && DOMAIN.test(host));
  const isUrl = url.length <= URL_LENGTH_MAX && CLB_URL.test(url);
  return isHost && isUrl ? { domain: host, url } : undefined;
}
