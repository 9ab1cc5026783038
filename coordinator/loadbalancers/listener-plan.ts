import { Protocol } from '../../common/pod-record.ts';
import type { ForwardingRuleRequest, HealthCheckSettings, Listener, ListenerRequest } from '../cloud/types.ts';
import { ruleLabel } from '../core/rule.ts';
import { type Problem, problem } from './problem.ts';
import type { RuleIntent, ServiceIntent } from './service-intent.ts';

/** One change of listeners of a load balancer. */
export type ListenerWork =
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

export interface ListenerPlan {
  readonly work: readonly ListenerWork[];
  /** Which listener stands for which rule, by rule id. */
  readonly listenerIds: ReadonlyMap<string, string>;
  /** Rules whose port somebody else has: a listener that is not ours, or another Service. */
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
  const missing: MissingListener[] = [];
  const unwanted: string[] = [];
  const remaining = new Map<string, number>();
  const holders = new PortHolders(input);
  for (const intent of holders.intents) {
    const own = input.listeners.filter(listener => listener.name === listenerName(input.cluster, intent.service.uid));
    remaining.set(intent.service.uid, own.length);
    const rules = intent.leaving ? [] : intent.rules;
    for (const rule of rules) {
      const holder = holders.take(rule);
      if (holder.kind === 'listener') listenerIds.set(rule.id, holder.listenerId);
      else if (holder.kind === 'nobody') missing.push({ rule, name: listenerName(input.cluster, rule.service.uid) });
      else refused.set(rule.id, holder.problem);
    }
    const wanted = new Set(rules.map(rule => listenerIds.get(rule.id)));
    unwanted.push(...own.map(listener => listener.id).filter(id => !wanted.has(id)));
  }
  const work = [...deletions(unwanted), ...creations(missing, input.healthCheck)];
  return { work, listenerIds, refused, remaining };
}

interface MissingListener {
  readonly rule: RuleIntent;
  readonly name: string;
}

type Holder =
  | { readonly kind: 'listener'; readonly listenerId: string }
  /** Free: the rule that asked has it now. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'another'; readonly problem: Problem };

/** Who has which port of the load balancer. A port that is still free goes to the first that asks. */
class PortHolders {
  /** In the order of namespace and name, so that every leader gives a free port to the same Service. */
  readonly intents: readonly ServiceIntent[];
  readonly #input: ListenerPlanInput;
  readonly #services: ReadonlyMap<string, RuleIntent['service']>;
  readonly #promised = new Map<string, RuleIntent['service']>();

  constructor(input: ListenerPlanInput) {
    this.#input = input;
    this.intents = [...input.intents].sort((a, b) => compare(nameOf(a.service), nameOf(b.service)));
    this.#services = new Map(this.intents.map(({ service }) => [listenerName(input.cluster, service.uid), service]));
  }

  take(rule: RuleIntent): Holder {
    const listener = this.#input.listeners.find(candidate => occupies(candidate, rule));
    if (!listener) return this.#promise(rule);
    const owner = this.#services.get(listener.name);
    if (!owner) return { kind: 'another', problem: occupied(rule, listener) };
    if (owner.uid !== rule.service.uid) return { kind: 'another', problem: taken(rule, owner) };
    return { kind: 'listener', listenerId: listener.id };
  }

  #promise(rule: RuleIntent): Holder {
    const port = ruleLabel(rule);
    const winner = this.#promised.get(port);
    if (winner) return { kind: 'another', problem: taken(rule, winner) };
    this.#promised.set(port, rule.service);
    return { kind: 'nobody' };
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function nameOf({ namespace, name }: RuleIntent['service']): string {
  return `${namespace}/${name}`;
}

/** `clb-direct-<cluster>-<first 8 of the Service's UID>`: whose a listener is can be read off its name. */
export function listenerName(cluster: string, serviceUid: string): string {
  return `clb-direct-${cluster}-${serviceUid.slice(0, 8)}`;
}

function deletions(listenerIds: readonly string[]): ListenerWork[] {
  return listenerIds.length === 0 ? [] : [{ kind: 'delete', listenerIds, ruleIds: [] }];
}

function creations(missing: readonly MissingListener[], healthCheck: HealthCheckSettings | undefined): ListenerWork[] {
  const groups = new Map<string, MissingListener[]>();
  for (const entry of missing) {
    const key = `${entry.name}|${entry.rule.protocol}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].map(group => creation(group.slice(0, PORTS_PER_CALL_MAX), healthCheck));
}

function creation(group: readonly MissingListener[], healthCheck: HealthCheckSettings | undefined): ListenerWork {
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
  return problem(
    'CD1005',
    `Port ${ruleLabel(rule)} of Service ${nameOf(rule.service)} cannot be served: listener ${holder.id} ` +
      `("${holder.name}") already has it and is not ours. Use another port, or remove that listener.`,
  );
}

function taken(rule: RuleIntent, owner: RuleIntent['service']): Problem {
  return problem(
    'CD1006',
    `Port ${ruleLabel(rule)} of Service ${nameOf(rule.service)} cannot be served: Service ${nameOf(owner)} has it on ` +
      'the same load balancer. Use another port or another load balancer for one of them.',
  );
}
