import type {
  ForwardingSettings,
  HealthCheckSettings,
  ListenerSettings,
  Redirects,
  SettingsChange,
} from '../cloud/settings.ts';
import type { ForwardingRuleRequest, Listener, ListenerRequest } from '../cloud/types.ts';

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
    }
  /** Of a listener, rule or domain that is there. */
  | { readonly kind: 'change-settings'; readonly change: SettingsChange; readonly ruleIds: readonly string[] }
  /** Layer 7, in the order of `ruleIds`. */
  | {
      readonly kind: 'redirect' | 'remove-redirects';
      readonly redirects: Redirects;
      readonly ruleIds: readonly string[];
    };

export interface MissingListener {
  readonly name: string;
  readonly protocol: ListenerRequest['protocol'];
  readonly port: number;
  /** What the lane calls it while it is missing: the rule's id, or for a shared one `sharedListenerKey`. */
  readonly key: string;
  readonly settings: ListenerSettings;
}

export interface MissingForwardingRule {
  readonly listenerId: string;
  readonly domain: string;
  readonly url: string;
  readonly ruleId: string;
  readonly settings: ForwardingSettings;
}

/** CLB rejects 50 ports and more in one call. */
const PORTS_PER_CALL_MAX = 49;
/** The API names no limit; a listener takes 50 rules unless its quota was raised. */
const RULES_PER_CALL_MAX = 100;
/** No UID begins like that. */
const SHARED = 'l7/';

/** What a missing layer 7 listener is called in `ruleIds`: it is no single rule's. */
export function sharedListenerKey(scheme: 'HTTP' | 'HTTPS', port: number): string {
  return `${SHARED}${scheme}/${port}`;
}

export function isSharedListenerKey(key: string): boolean {
  return key.startsWith(SHARED);
}

export function listenerDeletions(listenerIds: readonly string[]): ListenerWork[] {
  return listenerIds.length === 0 ? [] : [{ kind: 'delete', listenerIds, ruleIds: [] }];
}

/** One call for each name, protocol and settings; what is over the limit of one call comes with the next plan. */
export function listenerCreations(
  missing: readonly MissingListener[],
  healthCheck: HealthCheckSettings | undefined,
): ListenerWork[] {
  const groups = Map.groupBy(
    missing,
    ({ name, protocol, settings }) => `${name}|${protocol}|${JSON.stringify(settings)}`,
  );
  return [...groups.values()].flatMap(group => listenerCreation(group.slice(0, PORTS_PER_CALL_MAX), healthCheck));
}

function listenerCreation(
  group: readonly MissingListener[],
  healthCheck: HealthCheckSettings | undefined,
): ListenerWork[] {
  const [first] = group;
  if (!first) return [];
  const { name, protocol } = first;
  // On layer 7 it is the forwarding rules that are checked.
  const isLayer7 = protocol === 'HTTP' || protocol === 'HTTPS';
  const settings = isLayer7 ? first.settings : withDefault(first.settings, healthCheck);
  const ports = group.map(entry => entry.port);
  return [{ kind: 'create', request: { name, protocol, ports, settings }, ruleIds: group.map(entry => entry.key) }];
}

export function forwardingRuleCreations(
  missing: readonly MissingForwardingRule[],
  healthCheck: HealthCheckSettings | undefined,
): ListenerWork[] {
  const groups = Map.groupBy(missing, ({ listenerId }) => listenerId);
  return [...groups].map(([listenerId, group]) => {
    const part = group.slice(0, RULES_PER_CALL_MAX);
    const requests = part.map(({ domain, url, settings }) => ({
      domain,
      url,
      settings: withDefault(settings, healthCheck),
    }));
    return { kind: 'create-rules', listenerId, requests, ruleIds: part.map(entry => entry.ruleId) };
  });
}

/** Where the user says nothing of the check, the operator's word counts. */
function withDefault<T extends { readonly healthCheck?: HealthCheckSettings }>(
  settings: T,
  healthCheck: HealthCheckSettings | undefined,
): T {
  return healthCheck ? { ...settings, healthCheck: { ...healthCheck, ...settings.healthCheck } } : settings;
}

export function forwardingRuleDeletions(listener: Listener, locationIds: readonly string[]): ListenerWork[] {
  if (locationIds.length === 0) return [];
  return [{ kind: 'delete-rules', listenerId: listener.id, locationIds, ruleIds: [] }];
}
