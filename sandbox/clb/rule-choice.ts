/** What of a forwarding rule decides which requests it takes. */
export interface RuleMatcher {
  /** Whole, or with its first label (`*.example.com`) or its last one (`www.example.*`) left open. */
  readonly domain: string;
  /** The beginning of the paths it is for; after `=` the only path; after `~` or `~*` a regular expression. */
  readonly url: string;
  /** Its domain also takes the requests for domains that no rule has. */
  readonly isDefaultDomain: boolean;
}

/** What a request says about where it wants to go, as it stands in the request. */
export interface Destination {
  /** The `Host`, with or without a port. */
  readonly host: string;
  /** With or without a query. */
  readonly path: string;
}

/**
 * The rule that takes a request, as CLB documents it. First the domain: the whole name, then `*.example.com`, then
 * `www.example.*`, then the default domain; of several wildcards the longest. Then, among the rules of that domain
 * alone, the path: the same one (`=`), then the first regular expression that fits, then the longest beginning (as
 * nginx has it; CLB publishes no order). Undefined when that domain has no rule for the path.
 */
export function chooseRule<Rule extends RuleMatcher>(rules: readonly Rule[], to: Destination): Rule | undefined {
  const ofDomain = rulesOfHost(rules, to.host);
  const path = to.path.replace(/[?#].*$/s, '');
  const exact = ofDomain.find(({ url }) => exactUrl(url) === path);
  return (
    exact ??
    ofDomain.find(({ url }) => expressionOf(url)?.test(path)) ??
    longest(
      ofDomain.filter(({ url }) => path.startsWith(url)),
      ({ url }) => url,
    )
  );
}

/** The rules of the domain that takes this host, or of the default domain. */
export function rulesOfHost<Rule extends RuleMatcher>(rules: readonly Rule[], host: string): readonly Rule[] {
  const domain = chooseDomain(rules, hostName(host));
  return rules.filter(rule => rule.domain.toLowerCase() === domain);
}

function chooseDomain(rules: readonly RuleMatcher[], host: string): string | undefined {
  const domains = rules.map(({ domain }) => domain.toLowerCase());
  if (domains.includes(host)) return host;
  const anyFirst = domains.filter(domain => domain.startsWith('*.') && isOpened(host, domain.slice(1), 'endsWith'));
  const anyLast = domains.filter(domain => domain.endsWith('.*') && isOpened(host, domain.slice(0, -1), 'startsWith'));
  const fallback = rules.find(({ isDefaultDomain }) => isDefaultDomain)?.domain.toLowerCase();
  return longest(anyFirst, domain => domain) ?? longest(anyLast, domain => domain) ?? fallback;
}

/** The open part must not be empty: `*.example.com` is not for `.example.com`. */
function isOpened(host: string, fixed: string, side: 'startsWith' | 'endsWith'): boolean {
  return host.length > fixed.length && host[side](fixed);
}

function hostName(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}

/** The regular expression of a rule's URL; undefined when the URL is none, or a broken one. */
export function expressionOf(url: string): RegExp | undefined {
  const [, isAnyCase, source] = /^~(\*?)\s*(\S.*)$/.exec(url) ?? [];
  try {
    return source === undefined ? undefined : new RegExp(source, isAnyCase ? 'i' : '');
  } catch {
    return undefined;
  }
}

function exactUrl(url: string): string | undefined {
  return url.startsWith('=') ? url.slice(1).trimStart() : undefined;
}

function longest<Item>(items: readonly Item[], textOf: (item: Item) => string): Item | undefined {
  let found: Item | undefined;
  for (const item of items) {
    if (found === undefined || textOf(item).length > textOf(found).length) found = item;
  }
  return found;
}
