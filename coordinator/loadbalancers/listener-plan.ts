import type { ForwardingRule, Listener } from '../cloud/types.ts';
import { ruleRemoval } from './default-domain.ts';
import { departure, departuresOf, rulesInUse } from './departing-rules.ts';
import { listenerName, sharedListenerName } from './listener-name.ts';
import type {
  Adoption,
  DepartingRule,
  ListenerPlan,
  ListenerPlanInput,
  RuleLocation,
  Tenant,
} from './listener-plan-types.ts';
import {
  forwardingRuleCreations,
  forwardingRuleDeletions,
  type ListenerWork,
  listenerCreations,
  listenerDeletions,
  type MissingForwardingRule,
  type MissingListener,
} from './listener-work.ts';
import { type Holding, PortHolders } from './port-holders.ts';
import type { Problem } from './problem.ts';
import { redirectChanges } from './redirect-plan.ts';
import { byAge, type RuleIntent } from './service-intent.ts';
import { newRuleSettings, ownSettings, type SettledRule, settingChanges } from './setting-plan.ts';

/**
 * What has to be done to the listeners. A listener goes only when a Service that we see says so: because it leaves, or
 * because it no longer has that port (law L1); what does not carry our name is never changed (law L6), but for settings
 * that the user names on a listener which he has us adopt. Settings that nobody names are left alone, whoever changed them.
 */
export function planListeners(input: ListenerPlanInput): ListenerPlan {
  const tenants = input.tenants.toSorted((a, b) => byAge(a.intent, b.intent));
  const holders = new PortHolders({ ...input, tenants });
  const draft = new Draft();
  for (const tenant of tenants) {
    if (tenant.role === 'retiring') continue;
    for (const rule of tenant.intent.rules) draft.add(tenant, rule, holders.take(tenant, rule));
  }
  const unwantedRules = unwantedForwarding({ ...input, tenants }, holders, draft);
  draft.departing.push(...unwantedRules.departing);
  const unwanted: string[] = [];
  const remaining = new Map<string, number>();
  let awaitsAbsence = false;
  for (const tenant of tenants) {
    const own = ownListeners(input, tenant);
    unwanted.push(...draft.addOwn(input, tenant, own));
    const adopted = draft.addAdopted(input, tenant);
    if (tenant.role === 'retiring') {
      const forwarding = mayHaveForwarding(input, tenant) ? unwantedRules.count : 0;
      const known = own.length + adopted + forwarding;
      const { uid } = tenant.intent.service;
      const isHidden = known === 0 && input.mayHide(uid);
      awaitsAbsence ||= isHidden;
      remaining.set(uid, isHidden ? 1 : known);
    }
  }
  const { healthCheck } = input;
  const work = [
    ...listenerDeletions([...unwanted, ...unwantedRules.listenerIds]),
    ...unwantedRules.first,
    ...listenerCreations(draft.missingListeners, healthCheck),
    // A host whose path changes is to have one at any time.
    ...forwardingRuleCreations(draft.missingRules, healthCheck),
    ...unwantedRules.work,
    // Settings that a paused object shares with others stay, too.
    ...settingChanges(draft.settled, input.listeners).filter(
      ({ ruleIds }) => !ruleIds.some(id => draft.paused.has(id)),
    ),
    ...redirectChanges(
      draft.settled.filter(({ rule }) => !rule.isPaused),
      input.listeners,
    ),
  ];
  const { places, refused, adopting, departing, left, waiting } = draft;
  return { work, places, refused, remaining, awaitsAbsence, adopting, departing, left, waiting };
}

/** The parts of a plan while it is being made. */
class Draft {
  /** In the order of age. */
  readonly settled: SettledRule[] = [];
  /** Ids of the settled rules that are paused. */
  readonly paused = new Set<string>();
  readonly places = new Map<string, RuleLocation>();
  readonly refused = new Map<string, Problem>();
  readonly missingListeners: MissingListener[] = [];
  readonly missingRules: MissingForwardingRule[] = [];
  readonly adopting: Adoption[] = [];
  readonly departing: DepartingRule[] = [];
  readonly left: Adoption[] = [];
  readonly waiting = new Map<string, string[]>();

  add(tenant: Tenant, rule: RuleIntent, holding: Holding): void {
    if (holding.kind === 'place') this.#settle(tenant, rule, holding.place);
    else if (holding.kind === 'refused') this.#refuse(tenant, rule, holding.problem);
    else if (rule.notToMake) this.#hold(tenant, rule, rule.notToMake);
    else if (tenant.mayMake) this.#make(rule, holding);
    else if (tenant.denial) this.#refuse(tenant, rule, tenant.denial);
  }

  #settle({ role }: Tenant, rule: RuleIntent, place: RuleLocation): void {
    this.places.set(rule.id, place);
    if (rule.isPaused) this.paused.add(rule.id);
    if (role === 'wanted') this.settled.push({ rule, place });
  }

  /** @returns those of the Service's own listeners that have to go now */
  addOwn(input: ListenerPlanInput, { intent, role }: Tenant, own: readonly Listener[]): string[] {
    const wanted = new Set(intent.rules.map(rule => this.places.get(rule.id)?.listenerId));
    const unwanted = own.filter(({ id }) => !wanted.has(id));
    // A Service that goes on elsewhere has clients here whose connections have to end; one that is deleted has not.
    const isMoving = role === 'retiring' && !intent.leaving;
    const { service, isPaused = false } = intent;
    const inUse = unwanted.filter(({ id }) => isPaused || (isMoving && input.namespacesBoundAt(id).size > 0));
    this.departing.push(...inUse.map(listener => departure(service, listener, { isAdopted: false, isPaused })));
    return unwanted.filter(listener => !inUse.includes(listener)).map(({ id }) => id);
  }

  /** @returns how many adopted listeners the Service still uses here */
  addAdopted(input: ListenerPlanInput, tenant: Tenant): number {
    const { service, rules, adopted, handsBack, isPaused = false } = tenant.intent;
    // They leave the record with everything else of ours, so that nobody takes them for never adopted on the way.
    if (handsBack) return 0;
    const used = new Set(
      rules.map(rule => this.places.get(rule.id)).flatMap(place => (place?.isAdopted ? place.listenerId : [])),
    );
    let count = 0;
    for (const { loadBalancerId, listenerId } of adopted) {
      if (loadBalancerId !== input.loadBalancer.id) continue;
      const listener = input.listeners.find(({ id }) => id === listenerId);
      const isEmpty = !listener || input.namespacesBoundAt(listenerId).size === 0;
      if (listener && (used.has(listenerId) || !isEmpty)) count += 1;
      if (listener && !isEmpty) this.departing.push(...this.#departuresFrom(service, listener, isPaused));
      if (isEmpty && !used.has(listenerId)) this.left.push({ serviceUid: service.uid, listenerId });
    }
    return count;
  }

  /** Everything of an adopted listener that no rule stands on: what of ours is bound there has to go. */
  #departuresFrom(service: RuleIntent['service'], listener: Listener, isPaused: boolean): DepartingRule[] {
    const places = [...this.places.values()].filter(({ listenerId }) => listenerId === listener.id);
    const used = new Set(places.map(({ locationId }) => locationId));
    const isLayer7 = listener.protocol === 'HTTP' || listener.protocol === 'HTTPS';
    const locationIds = isLayer7 ? listener.forwardingRules.map(rule => rule.locationId) : [''];
    return locationIds
      .filter(locationId => !used.has(locationId))
      .map(locationId => departure(service, listener, { isAdopted: true, locationId, isPaused }));
  }

  /** What is wrong with it is told with it; here it only has to be left out of gates. */
  #hold(tenant: Tenant, rule: RuleIntent, why: Problem | 'pending'): void {
    if (why !== 'pending') this.#refuse(tenant, rule, why);
  }

  /** A place that the Service is giving up anyway is no news to anybody. */
  #refuse({ role }: Tenant, rule: RuleIntent, problem: Problem): void {
    if (role === 'wanted') this.refused.set(rule.id, problem);
  }

  #make(rule: RuleIntent, holding: Exclude<Holding, { kind: 'place' | 'refused' }>): void {
    switch (holding.kind) {
      case 'listener-missing': {
        const { name, protocol, key } = holding;
        const settings = ownSettings(rule.listenerSettings ?? {}, protocol);
        const rules = this.waiting.get(key);
        if (rules) rules.push(rule.id);
        else this.missingListeners.push({ name, protocol, key, port: rule.port, settings });
        if (!rules && rule.forwarding) this.waiting.set(key, [rule.id]);
        return;
      }
      case 'forwarding-missing': {
        const { listener, forwarding } = holding;
        const { domain, url } = forwarding;
        const settings = newRuleSettings(rule.forwardingSettings ?? {}, listener);
        this.missingRules.push({ listenerId: listener.id, domain, url, ruleId: rule.id, settings });
        return;
      }
      case 'to-adopt':
        this.adopting.push({ serviceUid: rule.service.uid, listenerId: holding.listenerId });
    }
  }
}

/** The Service's own listeners, which are all on layer 4. */
function ownListeners({ listeners, cluster }: ListenerPlanInput, { intent }: Tenant): readonly Listener[] {
  return listeners.filter(listener => listener.name === listenerName(cluster, intent.service.uid));
}

/** Whose rules are left can be told only while all owners are known; else one that has none itself waits for none (law L10). */
function mayHaveForwarding({ areIngressesKnown }: ListenerPlanInput, { intent }: Tenant): boolean {
  return areIngressesKnown || intent.rules.some(({ forwarding }) => forwarding !== undefined);
}

interface UnwantedForwarding {
  /** Before anything is made. */
  readonly first: readonly ListenerWork[];
  readonly work: readonly ListenerWork[];
  /** Shared listeners of which nothing is wanted. */
  readonly listenerIds: readonly string[];
  readonly count: number;
  /** Rules whose requests have to end first. */
  readonly departing: readonly DepartingRule[];
}

/** A forwarding rule carries no name; so those on a listener that carries ours are ours (law L6), and go when nobody wants them. */
function unwantedForwarding(
  input: ListenerPlanInput,
  holders: PortHolders,
  { settled, missingRules }: Draft,
): UnwantedForwarding {
  const shared = input.listeners.filter(listener => listener.name === sharedListenerName(input.cluster));
  const [first, work]: [ListenerWork[], ListenerWork[]] = [[], []];
  const listenerIds: string[] = [];
  const departing: DepartingRule[] = [];
  let count = 0;
  for (const listener of shared) {
    const unwanted = listener.forwardingRules.filter(rule => !holders.isWanted(listener, rule));
    count += unwanted.length + (holders.isSharedWanted(listener) ? 0 : 1);
    if (!input.isComplete || !input.areIngressesKnown) continue;
    const isPaused = input.tenants.some(({ intent }) => intent.isPaused === true && intent.service.kind === 'Ingress');
    // Whose a rule was is not written on it: it may be the paused one's.
    const inUse = isPaused ? unwanted : rulesInUse(input, listener, unwanted);
    departing.push(...departuresOf(input, listener, inUse, isPaused));
    const going = unwanted.filter(rule => !inUse.includes(rule));
    if (!holders.isSharedWanted(listener)) {
      if (inUse.length === 0 && !isPaused) listenerIds.push(listener.id);
    } else {
      const coming = missingRules.filter(rule => rule.listenerId === listener.id).map(({ domain }) => domain);
      const isEmptied = going.length === listener.forwardingRules.length;
      // CLB would hold the default domain as soon as there is another.
      const goesFirst = isEmptied && !going.some(({ domain }) => coming.includes(domain));
      (goesFirst ? first : work).push(...removal(listener, going, preferredDefault(listener, settled)));
    }
  }
  return { first, work, listenerIds, count, departing };
}

function removal(
  listener: Listener,
  unwanted: readonly ForwardingRule[],
  preferred: string | undefined,
): ListenerWork[] {
  const { removable, before } = ruleRemoval(listener, unwanted, preferred);
  const locationIds = removable.map(rule => rule.locationId);
  return [...before, ...forwardingRuleDeletions(listener, locationIds)];
}

function preferredDefault({ id }: Listener, settled: readonly SettledRule[]): string | undefined {
  const isWish = ({ rule, place }: SettledRule) =>
    place.listenerId === id && rule.forwardingSettings?.isDefaultDomain === true;
  return settled.find(isWish)?.rule.forwarding?.domain;
}
