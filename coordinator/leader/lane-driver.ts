import { isDeepStrictEqual } from 'node:util';
import type { HealthCheckSettings, LoadBalancer } from '../cloud/types.ts';
import type { ClusterView } from '../core/cluster-view.ts';
import type { Rule } from '../core/rule.ts';
import type { PlacedRule } from '../core/rule-state.ts';
import { withDomains } from '../ingress/hostless-rules.ts';
import type { Lane } from '../lanes/lane.ts';
import { lintPlaces } from '../loadbalancers/listener-lint.ts';
import { planListeners } from '../loadbalancers/listener-plan.ts';
import type { ListenerPlan, Tenant } from '../loadbalancers/listener-plan-types.ts';
import { settingsChanges } from '../loadbalancers/load-balancer-settings.ts';
import type { Problem } from '../loadbalancers/problem.ts';
import { targetQuotaOf } from '../loadbalancers/target-quota.ts';
import type { LaneFleet } from './lane-fleet.ts';
import type { ProblemBoard } from './problem-board.ts';
import type { Tenancies } from './tenancies.ts';

export interface LaneDriverOptions {
  readonly fleet: LaneFleet;
  readonly tenancies: Tenancies;
  readonly view: ClusterView;
  readonly board: ProblemBoard;
  /** Short hash of the cluster and the instance, as it stands in names. */
  readonly cluster: string;
  /** As people write it in tags. */
  readonly clusterName: string;
  readonly healthCheck: HealthCheckSettings | undefined;
  /** Every Service's load balancers are known, so that what no tenant wants is wanted by nobody. */
  readonly isComplete: () => boolean;
  /** Ingresses are not known while this replica may not read them. */
  readonly knowledge: { readonly ingresses: { readonly areKnown: boolean } };
  /** Whether a leader before this one may have made something for the Service. */
  readonly isInherited: (serviceUid: string) => boolean;
  /** Whether a gate waits for the load balancer's word. */
  readonly gateWaits: (loadBalancerId: string) => boolean;
  /** CLB's limit of targets on a rule where none was granted to the load balancer itself. */
  readonly targetsPerRuleMax: () => number;
}

interface Driven {
  /** By Service UID; those without a place included, those that are going not. */
  readonly rules: ReadonlyMap<string, readonly Rule[]>;
  /** Undefined until the load balancer was read. */
  readonly plan: ListenerPlan | undefined;
}

/** Hands every lane what the Services on its load balancer want of it, and knows which rules came of that. */
export class LaneDriver {
  readonly #options: LaneDriverOptions;
  readonly #driven = new Map<string, Driven>();

  constructor(options: LaneDriverOptions) {
    this.#options = options;
  }

  /** The rules of the Service on all its load balancers. */
  rulesOf(serviceUid: string): readonly Rule[] {
    const placements = this.#options.tenancies.placementsOf(serviceUid);
    return placements.flatMap(({ loadBalancer }) => this.rulesAt(loadBalancer.id, serviceUid));
  }

  rulesAt(loadBalancerId: string, serviceUid: string): readonly Rule[] {
    return this.#driven.get(loadBalancerId)?.rules.get(serviceUid) ?? [];
  }

  /** The plan of the load balancer's listeners as of the last look; undefined until it was read. */
  listenerPlan(loadBalancerId: string): ListenerPlan | undefined {
    return this.#driven.get(loadBalancerId)?.plan;
  }

  /** The load balancers on which something goes once our targets have left it: to be looked at again until they have. */
  departing(): readonly string[] {
    return [...this.#driven].flatMap(([id, { plan }]) => (plan && plan.departing.length > 0 ? id : []));
  }

  /**
   * Works out what the lane is to do; one on which no Service stands is stopped.
   * @returns whether what the Services have there is another than at the last look
   */
  drive(loadBalancerId: string): boolean {
    const { fleet, tenancies, view, gateWaits } = this.#options;
    const present = tenancies.tenantsOf(loadBalancerId);
    const loadBalancer = this.#loadBalancer(loadBalancerId, present);
    if (!loadBalancer) {
      fleet.stop(loadBalancerId);
      return this.#driven.delete(loadBalancerId);
    }
    const tenants = new Map(
      [...present].map(([uid, tenant]) => [uid, { ...tenant, intent: withDomains(tenant.intent, loadBalancer) }]),
    );
    const { lane } = fleet.ensure(loadBalancerId);
    const plan = lane.observed ? this.#planListeners(lane, loadBalancer, tenants) : undefined;
    const rules = new Map(
      [...tenants].map(([uid, tenant]) => {
        const known = this.rulesAt(loadBalancerId, uid);
        const wanted = this.#rules(lane, tenant, plan).map(rule => inFamily(rule, loadBalancer));
        return [uid, wanted.map(rule => sameObject(known, rule))] as const;
      }),
    );
    const before = this.#driven.get(loadBalancerId);
    this.#driven.set(loadBalancerId, { rules, plan });
    const placed = [...rules.values()].flat().filter((rule): rule is PlacedRule => rule.place !== undefined);
    const departing = plan?.departing.map(({ rule, place }): PlacedRule => ({ ...rule, ...at(loadBalancerId, place) }));
    lane.update({
      rules: [...placed, ...(departing ?? [])],
      view,
      virtualAddresses: loadBalancer.virtualAddresses,
      listenerWork: plan?.work ?? [],
      settings: settingsChanges(loadBalancer, tenants.values(), this.#options.cluster),
      gateWaits: gateWaits(loadBalancerId),
      awaitsAbsence: plan?.awaitsAbsence ?? false,
    });
    return !isDeepStrictEqual(possessionsIn(before?.plan), possessionsIn(plan));
  }

  #loadBalancer(loadBalancerId: string, tenants: ReadonlyMap<string, Tenant>) {
    const [uid] = tenants.keys();
    const placements = uid === undefined ? [] : this.#options.tenancies.placementsOf(uid);
    return placements.find(({ loadBalancer }) => loadBalancer.id === loadBalancerId)?.loadBalancer;
  }

  /** How many targets a rule of the load balancer may have. */
  quotaAt(loadBalancerId: string): number {
    const loadBalancer = this.#loadBalancer(loadBalancerId, this.#options.tenancies.tenantsOf(loadBalancerId));
    return (loadBalancer && targetQuotaOf(loadBalancer)) ?? this.#options.targetsPerRuleMax();
  }

  #planListeners(
    lane: Lane,
    loadBalancer: Parameters<typeof planListeners>[0]['loadBalancer'],
    tenants: ReadonlyMap<string, Tenant>,
  ) {
    const { cluster, clusterName, healthCheck, isComplete, knowledge, isInherited } = this.#options;
    return planListeners({
      loadBalancer,
      tenants: [...tenants.values()],
      isComplete: isComplete(),
      areIngressesKnown: knowledge.ingresses.areKnown,
      listeners: lane.listeners,
      cluster,
      clusterName,
      healthCheck,
      namespacesBoundAt: (...place) => lane.namespacesBoundAt(...place),
      mayHide: ownerUid => lane.mayHide({ ownerUid, isInherited: isInherited(ownerUid) }),
    });
  }

  #rules(lane: Lane, { intent, role }: Tenant, plan: ListenerPlan | undefined): readonly Rule[] {
    if (role === 'retiring' || intent.leaving) return [];
    const problems: Problem[] = [];
    const rules = intent.rules.flatMap((rule): Rule[] => {
      const location = plan?.places.get(rule.id);
      const refused = plan?.refused.get(rule.id);
      // That is told with what asks for it.
      if (refused && refused !== rule.notToMake) problems.push(refused);
      if (location) return [{ ...rule, ...at(lane.loadBalancerId, location), refusal: refused?.code }];
      // What it had on the load balancer that it is leaving is not made again.
      if (role === 'kept') return [];
      return [{ ...rule, place: undefined, refusal: refused?.code ?? refusalOf(lane, plan, rule.id) }];
    });
    const places = rules.flatMap(({ id }) => plan?.places.get(id) ?? []);
    problems.push(...lintPlaces(intent.service, places, lane.listeners));
    this.#options.board.put(intent.service, `ports on ${lane.loadBalancerId}`, problems);
    return rules;
  }
}

function inFamily(rule: Rule, { addressFamily }: Pick<LoadBalancer, 'addressFamily'>): Rule {
  return addressFamily === 'IPv6' ? { ...rule, addressFamily } : rule;
}

/** A rule that did not change stays the object that it was, so that its plan stands. */
function sameObject(known: readonly Rule[], rule: Rule): Rule {
  return known.find(candidate => candidate.id === rule.id && isDeepStrictEqual(candidate, rule)) ?? rule;
}

function possessionsIn(plan: ListenerPlan | undefined) {
  return plan && { remaining: plan.remaining, adopting: plan.adopting, left: plan.left };
}

function at(loadBalancerId: string, location: { listenerId: string; locationId: string; isAdopted: boolean }) {
  const { listenerId, locationId, isAdopted } = location;
  return { place: { loadBalancerId, listenerId, locationId }, isAdopted, refusal: undefined };
}

/** CLB refuses the rule's own listener, or the one that it shares. */
function refusalOf(lane: Lane, plan: ListenerPlan | undefined, ruleId: string): string | undefined {
  const shared = [...(plan?.waiting ?? [])].find(([, waiting]) => waiting.includes(ruleId));
  return lane.refusalOf(ruleId) ?? (shared && lane.refusalOf(shared[0]));
}
