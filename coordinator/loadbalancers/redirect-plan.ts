import type { RedirectPair } from '../cloud/settings.ts';
import type { ForwardingRule, Listener, RedirectTarget } from '../cloud/types.ts';
import type { Redirect } from './listener-settings.ts';
import type { ListenerWork } from './listener-work.ts';
import type { RuleIntent } from './service-intent.ts';
import type { SettledRule } from './setting-plan.ts';

/** Redirects of one call; no limit is published. */
const REDIRECTS_PER_CALL_MAX = 49;

interface WantedRedirect {
  readonly rule: RuleIntent;
  readonly source: Listener;
  readonly known: ForwardingRule;
  /** Undefined: there shall be none, or the rule to redirect to is still missing. */
  readonly target: RedirectTarget | undefined;
}

/**
 * Redirects of rules that want one, and away with those on rules of our own that want none. A redirect of another place is
 * taken away first.
 */
export function redirectChanges(settled: readonly SettledRule[], listeners: readonly Listener[]): ListenerWork[] {
  const wanted = settled.flatMap(each => wantedRedirect(each, listeners));
  const removals = wanted.flatMap(({ known, ...each }) =>
    known.redirectsTo && !isSame(known.redirectsTo, each.target) ? [{ ...each, known, target: known.redirectsTo }] : [],
  );
  const additions = wanted.flatMap(({ known, target, ...each }) =>
    target && !known.redirectsTo ? [{ ...each, known, target }] : [],
  );
  return [...calls('remove-redirects', removals), ...calls('redirect', additions)];
}

function wantedRedirect({ rule, place }: SettledRule, listeners: readonly Listener[]): WantedRedirect[] {
  const source = listeners.find(({ id }) => id === place.listenerId);
  const known = source?.forwardingRules.find(({ locationId }) => locationId === place.locationId);
  if (!source || !known || (!rule.redirect && (place.isAdopted || !known.redirectsTo))) return [];
  return [{ rule, source, known, target: rule.redirect && targetOf(rule.redirect, known, listeners) }];
}

function targetOf(
  { port, code }: Redirect,
  { domain, url }: ForwardingRule,
  listeners: readonly Listener[],
): RedirectTarget | undefined {
  const listener = listeners.find(each => each.protocol === 'HTTPS' && each.port === port);
  const rule = listener?.forwardingRules.find(each => each.domain === domain && each.url === url);
  return listener && rule && { listenerId: listener.id, locationId: rule.locationId, code };
}

function isSame(told: RedirectTarget, wanted: RedirectTarget | undefined): boolean {
  return told.locationId === wanted?.locationId && (told.code === undefined || told.code === wanted.code);
}

function calls(
  kind: 'redirect' | 'remove-redirects',
  redirects: readonly (WantedRedirect & { readonly target: RedirectTarget })[],
): ListenerWork[] {
  const groups = Map.groupBy(redirects, ({ source, target }) => `${source.id}/${target.listenerId}`);
  return [...groups.values()].flatMap(group => {
    const part = group.slice(0, REDIRECTS_PER_CALL_MAX);
    const [first] = part;
    if (!first) return [];
    const places = { sourceListenerId: first.source.id, targetListenerId: first.target.listenerId };
    return [{ kind, redirects: { ...places, pairs: part.map(pairOf) }, ruleIds: part.map(({ rule }) => rule.id) }];
  });
}

function pairOf({ known, target }: WantedRedirect & { readonly target: RedirectTarget }): RedirectPair {
  return {
    sourceLocationId: known.locationId,
    targetLocationId: target.locationId,
    domain: known.domain,
    code: target.code ?? 302,
  };
}
