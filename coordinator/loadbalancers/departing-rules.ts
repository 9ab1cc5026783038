import { Protocol } from '../../common/pod-record.ts';
import type { ForwardingRule, Listener } from '../cloud/types.ts';
import type { DepartingRule, ListenerPlanInput, Tenant } from './listener-plan-types.ts';
import type { RuleIntent } from './service-intent.ts';

/**
 * Those of the unwanted rules whose Pods still answer requests, which would end with the rule: their targets leave first.
 * Not where the object itself is deleted, which is its user's word; nor where another rule takes the requests, which would
 * be turned away at weight 0.
 */
export function rulesInUse(
  { tenants, namespacesBoundAt }: ListenerPlanInput,
  listener: Listener,
  unwanted: readonly ForwardingRule[],
): readonly ForwardingRule[] {
  const staying = listener.forwardingRules.filter(rule => !unwanted.includes(rule));
  const deleted = tenants.flatMap(({ intent }) => (intent.leaving ? intent.rules : []));
  return unwanted.filter(rule => {
    const isBound = namespacesBoundAt(listener.id, rule.locationId).size > 0;
    return isBound && !hasHeir(rule, staying) && !deleted.some(each => isAt(each, listener, rule));
  });
}

/** Whether requests for the rule's host and path go to one that stays; CLB looks for the host first, then for the path. */
function hasHeir({ domain, url }: ForwardingRule, staying: readonly ForwardingRule[]): boolean {
  const ofDomain = staying.filter(other => other.domain === domain);
  const path = url.replace(/^=\s*/, '');
  return (ofDomain.length > 0 ? ofDomain : staying).some(other => path.startsWith(other.url));
}

function isAt({ port, forwarding }: RuleIntent, listener: Listener, { domain, url }: ForwardingRule): boolean {
  return port === listener.port && forwarding?.domain === domain && forwarding.url === url;
}

/** Whose the rules were is not written on them: any object that has to do with the load balancer stands for it. */
export function departuresOf(
  { tenants: [tenant] }: { readonly tenants: readonly Tenant[] },
  listener: Listener,
  rules: readonly ForwardingRule[],
  isPaused: boolean,
): readonly DepartingRule[] {
  if (!tenant) return [];
  const { service } = tenant.intent;
  return rules.map(({ locationId }) => departure(service, listener, { isAdopted: false, locationId, isPaused }));
}

/** Selects no Pod, so that every target of ours there has to go, once it is not paused; those of others stay. */
export function departure(
  service: RuleIntent['service'],
  listener: Listener,
  { isAdopted, locationId = '', isPaused }: { isAdopted: boolean; locationId?: string; isPaused: boolean },
): DepartingRule {
  const rule: DepartingRule['rule'] = {
    id: `${service.uid}/departing/${listener.id}${locationId && `/${locationId}`}`,
    service,
    protocol: listener.protocol === 'UDP' ? Protocol.UDP : Protocol.TCP,
    port: listener.port,
    selector: {},
    targetPort: listener.port,
    publishNotReadyAddresses: false,
    isDeparting: true,
    ...(isPaused && { isPaused }),
  };
  return { rule, place: { listenerId: listener.id, locationId, isAdopted } };
}
