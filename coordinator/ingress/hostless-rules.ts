import type { LoadBalancer } from '../cloud/types.ts';
import type { RuleIntent, ServiceIntent } from '../loadbalancers/service-intent.ts';

/**
 * CLB has no rule without a domain: one for any host stands under the load balancer's own address (its name, where it
 * has no address), which is the default domain of its listener.
 */
export function withDomains(
  intent: ServiceIntent,
  { virtualAddresses, domain }: Pick<LoadBalancer, 'virtualAddresses' | 'domain'>,
): ServiceIntent {
  const isHostless = ({ forwarding }: RuleIntent) => forwarding?.domain === '';
  const own = virtualAddresses[0] ?? domain;
  if (!intent.rules.some(isHostless) || own === '') return intent;
  const rules = intent.rules.map(rule =>
    rule.forwarding && isHostless(rule) ? { ...rule, forwarding: { ...rule.forwarding, domain: own } } : rule,
  );
  return { ...intent, rules };
}
