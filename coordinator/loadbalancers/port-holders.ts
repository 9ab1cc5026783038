import type { Listener, ListenerRequest } from '../cloud/types.ts';
import { type Forwarding, ruleLabel } from '../core/rule.ts';
import { isAllowed, notAllowed } from './allowance.ts';
import { isMadeByUs, listenerName, sharedListenerName } from './listener-name.ts';
import type { ListenerPlanInput, RuleLocation, Tenant } from './listener-plan-types.ts';
import { sharedListenerKey } from './listener-work.ts';
import { occupied, taken, takenByAnotherLayer, wrongProtocol } from './port-refusals.ts';
import type { Problem } from './problem.ts';
import type { RuleIntent, ServiceIntent } from './service-intent.ts';

type Service = ServiceIntent['service'];

/** What a rule finds at its port. */
export type Holding =
  | { readonly kind: 'place'; readonly place: RuleLocation }
  /** Free, and the rule's if it may make the listener. */
  | {
      readonly kind: 'listener-missing';
      readonly name: string;
      readonly protocol: ListenerRequest['protocol'];
      readonly key: string;
    }
  /** The listener is there, and the rule's host and path are free. */
  | { readonly kind: 'forwarding-missing'; readonly listener: Listener; readonly forwarding: Forwarding }
  /** Somebody else's, and the rule's once it stands in the record. */
  | { readonly kind: 'to-adopt'; readonly listenerId: string }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** Who has which port of the load balancer. What is still free goes to the first that asks: ask in the order of age. */
export class PortHolders {
  readonly #input: ListenerPlanInput;
  /** By `TCP:80`: one VIP carries a port once over the TCP family and once over the UDP family. */
  readonly #listeners: ReadonlyMap<string, Listener>;
  /** Services by the name of their listeners. */
  readonly #owners: ReadonlyMap<string, Service>;
  /** By listener id. */
  readonly #adopters = new Map<string, Service>();
  /** Ports that are free and promised; on layer 7 to all rules of the scheme. */
  readonly #promises = new Map<string, { readonly service: Service; readonly scheme: string }>();
  readonly #locationIds = new Map<string, ReadonlyMap<string, string>>();
  /** Who asked first for which host and path of which port, and the ports of those. */
  readonly #locations = new Map<string, Service>();
  readonly #sharedPorts = new Set<string>();
  /** Rules that stay on a listener of another kind until theirs can be made, by its id. */
  readonly #waitingAt = new Map<string, string>();

  constructor(input: ListenerPlanInput) {
    this.#input = input;
    this.#listeners = new Map(input.listeners.map(listener => [portOf(listener), listener]));
    this.#owners = new Map(
      input.tenants.map(({ intent }) => [listenerName(input.cluster, intent.service.uid), intent.service]),
    );
    for (const { intent } of input.tenants) {
      for (const { loadBalancerId, listenerId } of intent.adopted) {
        const isHere = loadBalancerId === input.loadBalancer.id;
        if (isHere && !this.#adopters.has(listenerId)) this.#adopters.set(listenerId, intent.service);
      }
    }
  }

  take(tenant: Tenant, rule: RuleIntent): Holding {
    const listener = this.#listeners.get(ruleLabel(rule));
    if (rule.forwarding) return this.#takeForwarding(tenant, { rule, forwarding: rule.forwarding, listener });
    if (!listener) return this.#promise(tenant, rule);
    const { service } = tenant.intent;
    const owner = this.#owners.get(listener.name);
    if (owner?.uid === service.uid) {
      // Its protocol cannot be changed: it goes, unwanted, before another is made.
      const isOther = listener.protocol !== layer4Protocol(rule) && !this.#staysAt(listener, rule);
      if (isOther) return this.#promise(tenant, rule);
      return placed({ listenerId: listener.id, locationId: '', isAdopted: false });
    }
    if (owner) return refused(taken(rule, owner));
    if (this.#isShared(listener)) return refused(takenByAnotherLayer(rule, listener));
    return this.#adopt(tenant, rule, listener) ?? placed({ listenerId: listener.id, locationId: '', isAdopted: true });
  }

  /** Whether a rule that was asked for stands, or is to stand, there. */
  isWanted(listener: Listener, { domain, url }: Pick<Forwarding, 'domain' | 'url'>): boolean {
    return this.#locations.has(locationKey(portOf(listener), domain, url));
  }

  /** Whether any rule that was asked for stands, or is to stand, on this shared listener. */
  isSharedWanted(listener: Listener): boolean {
    return this.#sharedPorts.has(portOf(listener));
  }

  #promise(tenant: Tenant, rule: RuleIntent): Holding {
    const { service } = tenant.intent;
    const scheme = rule.forwarding?.scheme ?? '';
    const winner = this.#promises.get(ruleLabel(rule));
    if (winner && (scheme === '' || winner.scheme !== scheme)) return refused(taken(rule, winner.service));
    if (!winner && mayClaim(tenant)) this.#promises.set(ruleLabel(rule), { service, scheme });
    const { cluster } = this.#input;
    if (rule.forwarding) {
      const key = sharedListenerKey(rule.forwarding.scheme, rule.port);
      return { kind: 'listener-missing', name: sharedListenerName(cluster), protocol: rule.forwarding.scheme, key };
    }
    const name = listenerName(cluster, service.uid);
    return { kind: 'listener-missing', name, protocol: layer4Protocol(rule), key: rule.id };
  }

  /** What stands between the rule and a listener of others; undefined once that is adopted. */
  #adopt(tenant: Tenant, rule: RuleIntent, listener: Listener): Holding | undefined {
    const { intent } = tenant;
    if (!intent.adopts || isMadeByUs(listener.name)) return refused(occupied(rule, listener));
    if (!fits(listener, rule)) return refused(wrongProtocol(rule, listener));
    const { loadBalancer, clusterName } = this.#input;
    const isRecorded = isAdopter(tenant, loadBalancer.id, listener.id);
    if (!this.#mayAdopt(tenant, listener, isRecorded)) {
      const what = `listener ${listener.id}`;
      return refused(notAllowed(intent.service, { what, loadBalancerId: loadBalancer.id, clusterName }));
    }
    const adopter = this.#adopters.get(listener.id);
    if (adopter && adopter.uid !== intent.service.uid) return refused(taken(rule, adopter));
    if (!adopter && mayClaim(tenant)) this.#adopters.set(listener.id, intent.service);
    return isRecorded ? undefined : { kind: 'to-adopt', listenerId: listener.id };
  }

  /** What is bound there already goes on when the tag goes: only the cloud's side can tell that it was allowed once. */
  #mayAdopt({ intent }: Tenant, listener: Listener, isRecorded: boolean): boolean {
    const { loadBalancer, clusterName, namespacesBoundAt } = this.#input;
    const { namespace } = intent.service;
    if (isAllowed(loadBalancer, clusterName, namespace)) return true;
    return isRecorded && namespacesBoundAt(listener.id).has(namespace);
  }

  #takeForwarding(tenant: Tenant, wanted: WantedForwarding): Holding {
    const { rule, forwarding, listener } = wanted;
    const owner = listener && this.#owners.get(listener.name);
    if (owner && owner.uid === rule.service.uid) return this.#takePlaceOf(tenant, listener, wanted);
    if (owner) return refused(taken(rule, owner));
    const isAdopted = listener !== undefined && !this.#isShared(listener);
    const obstacle = isAdopted ? this.#adopt(tenant, rule, listener) : undefined;
    if (obstacle) return obstacle;
    if (listener && listener.protocol !== forwarding.scheme) return refused(takenByAnotherLayer(rule, listener));
    const locationId = listener && this.#locationId(listener, forwarding);
    const claimant = this.#claimLocation(tenant, { ...wanted, isThere: locationId !== undefined });
    if (claimant.uid !== rule.service.uid) return refused(taken(rule, claimant));
    if (!listener) return this.#promise(tenant, rule);
    if (locationId === undefined) return { kind: 'forwarding-missing', listener, forwarding };
    return placed({ listenerId: listener.id, locationId, isAdopted });
  }

  /** The Service's own listener of layer 4 goes, unwanted, before one of layer 7 is made. */
  #takePlaceOf(tenant: Tenant, listener: Listener, wanted: WantedForwarding): Holding {
    if (!this.#staysAt(listener, wanted.rule)) return this.#takeForwarding(tenant, { ...wanted, listener: undefined });
    return placed({ listenerId: listener.id, locationId: '', isAdopted: false });
  }

  /** What cannot be made yet takes away nothing that serves: one rule of those that wait stays where the port was. */
  #staysAt(listener: Listener, rule: RuleIntent): boolean {
    if (!rule.notToMake) return false;
    const first = this.#waitingAt.get(listener.id) ?? rule.id;
    this.#waitingAt.set(listener.id, first);
    return first === rule.id;
  }

  /** @returns who has the host and path at this port */
  #claimLocation(tenant: Tenant, { rule, forwarding, isThere }: WantedForwarding & { isThere: boolean }): Service {
    const key = locationKey(ruleLabel(rule), forwarding.domain, forwarding.url);
    const claimant = this.#locations.get(key);
    if (claimant) return claimant;
    if (isThere || mayClaim(tenant)) {
      this.#locations.set(key, rule.service);
      this.#sharedPorts.add(ruleLabel(rule));
    }
    return rule.service;
  }

  #locationId(listener: Listener, { domain, url }: Forwarding): string | undefined {
    const known = this.#locationIds.get(listener.id) ?? indexLocations(listener);
    this.#locationIds.set(listener.id, known);
    return known.get(locationKey('', domain, url));
  }

  #isShared(listener: Listener): boolean {
    return listener.name === sharedListenerName(this.#input.cluster);
  }
}

interface WantedForwarding {
  readonly rule: RuleIntent;
  readonly forwarding: Forwarding;
  readonly listener: Listener | undefined;
}

/** Free things are promised to those alone that may have them one day. */
function mayClaim({ role, denial }: Tenant): boolean {
  return role === 'wanted' && denial === undefined;
}

function isAdopter({ intent }: Tenant, loadBalancerId: string, listenerId: string): boolean {
  return intent.adopted.some(entry => entry.loadBalancerId === loadBalancerId && entry.listenerId === listenerId);
}

function indexLocations({ forwardingRules }: Listener): ReadonlyMap<string, string> {
  return new Map(forwardingRules.map(({ domain, url, locationId }) => [locationKey('', domain, url), locationId]));
}

function locationKey(port: string, domain: string, url: string): string {
  return `${port}|${domain}|${url}`;
}

function portOf({ protocol, port }: Listener): string {
  return `${protocol === 'UDP' || protocol === 'QUIC' ? 'UDP' : 'TCP'}:${port}`;
}

function ruleFamily(rule: RuleIntent): 'TCP' | 'UDP' {
  return ruleLabel(rule).startsWith('UDP') ? 'UDP' : 'TCP';
}

/** What a listener that carries the rule's port alone speaks: TCP with a certificate is TCP_SSL. */
function layer4Protocol(rule: RuleIntent): 'TCP' | 'UDP' | 'TCP_SSL' {
  const family = ruleFamily(rule);
  return family === 'TCP' && rule.listenerSettings?.certificate ? 'TCP_SSL' : family;
}

/** Whether Pods can be bound to the listener itself, and get what the rule's port promises. */
function fits({ protocol }: Listener, rule: RuleIntent): boolean {
  if (rule.forwarding) return protocol === rule.forwarding.scheme;
  return ruleFamily(rule) === 'UDP' ? protocol === 'UDP' : protocol === 'TCP' || protocol === 'TCP_SSL';
}

function placed(place: RuleLocation): Holding {
  return { kind: 'place', place };
}

function refused(problem: Problem): Holding {
  return { kind: 'refused', problem };
}
