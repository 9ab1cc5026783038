import type { Change, Listener, LoadBalancer } from './state.ts';

/** The domain whose rules also take requests for unknown ones; undefined while there are no rules. */
export function defaultDomain(listener: Listener): string | undefined {
  return [...listener.rules.values()].find(({ settings }) => settings.isDefaultDomain)?.settings.domain;
}

/** Makes `domain` the default one; a change for each rule that this says something new about. */
export function withDefaultDomain(loadBalancer: LoadBalancer, listener: Listener, domain: string): Change[] {
  return [...listener.rules.values()].flatMap(rule => {
    const isDefaultDomain = rule.settings.domain === domain;
    if (rule.settings.isDefaultDomain === isDefaultDomain) return [];
    rule.settings = { ...rule.settings, isDefaultDomain };
    const place = { listenerId: listener.settings.id, locationId: rule.settings.locationId };
    return [{ kind: 'rule-modified' as const, loadBalancerId: loadBalancer.id, ...place, rule: rule.settings }];
  });
}
