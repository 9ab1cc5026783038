import { Protocol } from '../../common/pod-record.ts';
import type { HealthCheckSettings, Listener, ListenerRequest } from '../cloud/types.ts';
import { ruleLabel } from '../core/rule.ts';
import type { Problem } from './problem.ts';
import type { RuleIntent, ServiceIntent } from './service-intent.ts';

/** One change of listeners of a load balancer. */
export type ListenerWork =
  | { readonly kind: 'create'; readonly request: ListenerRequest; readonly ruleIds: readonly string[] }
  | { readonly kind: 'delete'; readonly listenerIds: readonly string[]; readonly ruleIds: readonly string[] };

export interface ListenerPlan {
  readonly work: readonly ListenerWork[];
  /** Which listener stands for which rule, by rule id. */
  readonly listenerIds: ReadonlyMap<string, string>;
  /** Rules that somebody else's listener keeps from being made. */
  readonly refused: ReadonlyMap<string, Problem>;
  /** Listeners of ours that are still there, by Service UID: a Service may go when it has none. */
  readonly remaining: ReadonlyMap<string, number>;
}

export interface ListenerPlanInput {
  /** Every claimed Service whose rules are on this load balancer, those being deleted included. */
  readonly intents: readonly ServiceIntent[];
  readonly listeners: readonly Listener[];
  readonly cluster: string;
  readonly healthCheck: HealthCheckSettings | undefined;
}

/** clb-api section 1.3: the API rejects 50 ports and more in one call. */
const PORTS_PER_CALL_MAX = 49;

/**
 * What has to be done to the listeners. A listener goes only when a Service that we see says so: because it is being
 * deleted, or because it no longer has that port (law L1); one that does not carry our name is never touched (law L6).
 */
export function planListeners(input: ListenerPlanInput): ListenerPlan {
  const listenerIds = new Map<string, string>();
  const refused = new Map<string, Problem>();
  const missing: { rule: RuleIntent; name: string }[] = [];
  const unwanted: { listenerId: string; serviceUid: string }[] = [];
  const remaining = new Map<string, number>();
  for (const intent of input.intents) {
    const name = listenerName(input.cluster, intent.service.uid);
    const own = input.listeners.filter(listener => listener.name === name);
    remaining.set(intent.service.uid, own.length);
    const rules = intent.leaving ? [] : intent.rules;
    for (const rule of rules) {
      const holder = input.listeners.find(listener => occupies(listener, rule));
      if (!holder) missing.push({ rule, name });
      else if (holder.name === name && holder.protocol === ruleProtocol(rule)) listenerIds.set(rule.id, holder.id);
      else refused.set(rule.id, occupied(rule, holder));
    }
    for (const listener of own) {
      const wanted = rules.some(rule => listenerIds.get(rule.id) === listener.id);
      if (!wanted) unwanted.push({ listenerId: listener.id, serviceUid: intent.service.uid });
    }
  }
  const work = [...deletions(unwanted), ...creations(missing, input.healthCheck)];
  return { work, listenerIds, refused, remaining };
}

/** `clb-direct-<cluster>-<first 8 of the Service's UID>`: whose a listener is can be read off its name. */
export function listenerName(cluster: string, serviceUid: string): string {
  return `clb-direct-${cluster}-${serviceUid.slice(0, 8)}`;
}

function deletions(unwanted: readonly { listenerId: string }[]): ListenerWork[] {
  if (unwanted.length === 0) return [];
  return [{ kind: 'delete', listenerIds: unwanted.map(entry => entry.listenerId), ruleIds: [] }];
}

function creations(
  missing: readonly { rule: RuleIntent; name: string }[],
  healthCheck: HealthCheckSettings | undefined,
): ListenerWork[] {
  const groups = new Map<string, { rule: RuleIntent; name: string }[]>();
  for (const entry of missing) {
    const key = `${entry.name}|${entry.rule.protocol}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].map(group => creation(group.slice(0, PORTS_PER_CALL_MAX), healthCheck));
}

function creation(
  group: readonly { rule: RuleIntent; name: string }[],
  healthCheck: HealthCheckSettings | undefined,
): ListenerWork {
  const [first] = group;
  if (!first) throw new Error('a creation needs at least one port');
  const request: ListenerRequest = {
    name: first.name,
    protocol: ruleProtocol(first.rule),
    ports: group.map(entry => entry.rule.port),
    ...(healthCheck && { healthCheck }),
  };
  return { kind: 'create', request, ruleIds: group.map(entry => entry.rule.id) };
}

/** One VIP carries a port once over the TCP family and once over the UDP family (clb-api section 1.3). */
function occupies(listener: Listener, rule: RuleIntent): boolean {
  const udp = listener.protocol === 'UDP' || listener.protocol === 'QUIC';
  return listener.port === rule.port && udp === (rule.protocol === Protocol.UDP);
}

function ruleProtocol(rule: RuleIntent): 'TCP' | 'UDP' {
  return rule.protocol === Protocol.UDP ? 'UDP' : 'TCP';
}

function occupied(rule: RuleIntent, holder: Listener): Problem {
  return {
    code: 'CD1005',
    reason: 'ListenerOccupied',
    message:
      `Port ${ruleLabel(rule)} cannot be served: listener ${holder.id} ("${holder.name}") already has it and is not ` +
      'ours. Use another port, or remove that listener.',
  };
}
