import type { ForwardingRuleRequest, HealthCheckSettings, Listener, ListenerRequest } from '../cloud/types.ts';

/** One change of listeners of a load balancer. */
export type ListenerWork =
  /** In the order of `ruleIds`: one port for each. */
  | { readonly kind: 'create'; readonly request: ListenerRequest; readonly ruleIds: readonly string[] }
  | { readonly kind: 'delete'; readonly listenerIds: readonly string[]; readonly ruleIds: readonly string[] }
  /** Layer 7: forwarding rules of one listener, in the order of `ruleIds`. */
  | {
      readonly kind: 'create-rules';
      readonly listenerId: string;
      readonly requests: readonly ForwardingRuleRequest[];
      readonly ruleIds: readonly string[];
    }
  | {
      readonly kind: 'delete-rules';
      readonly listenerId: string;
      readonly locationIds: readonly string[];
      readonly ruleIds: readonly string[];
    };

export interface MissingListener {
  readonly name: string;
  readonly protocol: ListenerRequest['protocol'];
  readonly port: number;
  /** What the lane calls it while it is missing: the rule's id, or for a shared one `sharedListenerKey`. */
  readonly key: string;
}

export interface MissingForwardingRule {
  readonly listenerId: string;
  readonly domain: string;
  readonly url: string;
  readonly ruleId: string;
}

/** CLB rejects 50 ports and more in one call. */
const PORTS_PER_CALL_MAX = 49;
/** The API names no limit; a listener takes 50 rules unless its quota was raised. */
const RULES_PER_CALL_MAX = 100;

/** What a missing layer 7 listener is called in `ruleIds`: it is no single rule's. */
export function sharedListenerKey(scheme: 'HTTP' | 'HTTPS', port: number): string {
  return `l7/${scheme}/${port}`;
}

export function listenerDeletions(listenerIds: readonly string[]): ListenerWork[] {
  return listenerIds.length === 0 ? [] : [{ kind: 'delete', listenerIds, ruleIds: [] }];
}

/** One call for each name and protocol; what is over the limit of one call comes with the next plan. */
export function listenerCreations(
  missing: readonly MissingListener[],
  healthCheck: HealthCheckSettings | undefined,
): ListenerWork[] {
  const groups = Map.groupBy(missing, ({ name, protocol }) => `${name}|${protocol}`);
  return [...groups.values()].flatMap(group => listenerCreation(group.slice(0, PORTS_PER_CALL_MAX), healthCheck));
}

function listenerCreation(
  group: readonly MissingListener[],
  healthCheck: HealthCheckSettings | undefined,
): ListenerWork[] {
  const [first] = group;
  if (!first) return [];
  const isLayer4 = first.protocol === 'TCP' || first.protocol === 'UDP';
  const request: ListenerRequest = {
    name: first.name,
    protocol: first.protocol,
    ports: group.map(entry => entry.port),
    // On layer 7 it is the forwarding rules that are checked.
    ...(healthCheck && isLayer4 && { settings: { healthCheck } }),
  };
  return [{ kind: 'create', request, ruleIds: group.map(entry => entry.key) }];
}

export function forwardingRuleCreations(
  missing: readonly MissingForwardingRule[],
  healthCheck: HealthCheckSettings | undefined,
): ListenerWork[] {
  const groups = Map.groupBy(missing, ({ listenerId }) => listenerId);
  return [...groups].map(([listenerId, group]) => {
    const part = group.slice(0, RULES_PER_CALL_MAX);
    const requests = part.map(({ domain, url }) => ({
      domain,
      url,
      ...(healthCheck && { settings: { healthCheck } }),
    }));
    return { kind: 'create-rules', listenerId, requests, ruleIds: part.map(entry => entry.ruleId) };
  });
}

export function forwardingRuleDeletions(listener: Listener, locationIds: readonly string[]): ListenerWork[] {
  if (locationIds.length === 0) return [];
  return [{ kind: 'delete-rules', listenerId: listener.id, locationIds, ruleIds: [] }];
}
