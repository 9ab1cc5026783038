import type { Certificate, Change, Listener, LoadBalancer, Rewrite, Rule, RuleSettings } from './state.ts';

/** The domain whose rules also take requests for unknown ones; undefined while there are no rules. */
export function defaultDomain(listener: Listener): string | undefined {
  return [...listener.rules.values()].find(({ settings }) => settings.isDefaultDomain)?.settings.domain;
}

/** Makes `domain` the default one; a change for each rule that this says something new about. */
export function withDefaultDomain(loadBalancer: LoadBalancer, listener: Listener, domain: string): Change[] {
  return [...listener.rules.values()].flatMap(rule => {
    const isDefaultDomain = rule.settings.domain === domain;
    return rule.settings.isDefaultDomain === isDefaultDomain
      ? []
      : changeRule(loadBalancer, listener, rule, { isDefaultDomain });
  });
}

/** What the rules of one domain share, given to all of them; a change for each. */
export function withDomainSettings(
  loadBalancer: LoadBalancer,
  listener: Listener,
  domain: string,
  shared: Pick<RuleSettings, 'certificate' | 'http2'>,
): Change[] {
  if (Object.keys(shared).length === 0) return [];
  return [...listener.rules.values()].flatMap(rule =>
    rule.settings.domain === domain ? changeRule(loadBalancer, listener, rule, shared) : [],
  );
}

/** The certificate that a listener had becomes that of every domain. */
export function withCertificate(loadBalancer: LoadBalancer, listener: Listener, certificate: Certificate): Change[] {
  return [...listener.rules.values()].flatMap(rule => changeRule(loadBalancer, listener, rule, { certificate }));
}

/** Replaces some settings of one rule. */
export function changeRule(
  loadBalancer: LoadBalancer,
  listener: Listener,
  rule: Rule,
  settings: Partial<RuleSettings>,
): Change[] {
  rule.settings = { ...rule.settings, ...settings };
  const place = { listenerId: listener.settings.id, locationId: rule.settings.locationId };
  return [{ kind: 'rule-modified', loadBalancerId: loadBalancer.id, ...place, rule: rule.settings }];
}

/** Rules have gone: redirects to them go, too. */
export function withoutLostRewrites(loadBalancer: LoadBalancer): Change[] {
  const isLost = ({ listenerId, locationId }: Rewrite) =>
    loadBalancer.listeners.get(listenerId)?.rules.has(locationId) !== true;
  return [...loadBalancer.listeners.values()].flatMap(listener =>
    [...listener.rules.values()]
      .filter(({ settings }) => settings.rewrite && isLost(settings.rewrite))
      .flatMap(rule => withoutRewrite(loadBalancer, listener, rule)),
  );
}

/** Takes the rule's redirect away. */
export function withoutRewrite(loadBalancer: LoadBalancer, listener: Listener, rule: Rule): Change[] {
  const { rewrite: _, ...settings } = rule.settings;
  rule.settings = settings;
  return changeRule(loadBalancer, listener, rule, {});
}
