import type { Clock } from '../../common/clock.ts';
import { isOpen } from '../core/floor.ts';
import type { Rule } from '../core/rule.ts';
import type { AdoptedListener } from '../kube/load-balancer-record.ts';
import type { Adoption } from '../loadbalancers/listener-plan-types.ts';
import type { LoadBalancerDirectory } from '../loadbalancers/load-balancer-directory.ts';
import { type ExistingLoadBalancerPolicy, placementsOf, type ServicePlacements } from '../loadbalancers/placements.ts';
import type { Claimed } from './claims.ts';
import type { LaneDriver } from './lane-driver.ts';
import type { LaneFleet } from './lane-fleet.ts';
import type { LeaderPorts } from './leader-ports.ts';
import type { ProblemBoard } from './problem-board.ts';
import type { Tenancies } from './tenancies.ts';

export interface ServiceDeskOptions {
  readonly clock: Clock;
  readonly ports: Pick<LeaderPorts, 'claimService' | 'writeStatus' | 'releaseService'>;
  readonly directory: LoadBalancerDirectory;
  readonly tenancies: Tenancies;
  readonly fleet: LaneFleet;
  readonly driver: LaneDriver;
  readonly board: ProblemBoard;
  readonly policy: ExistingLoadBalancerPolicy;
  /** Whether any Pod that the rule selects could serve. */
  readonly hasReadyPods: (rule: Rule) => boolean;
}

/** Where each claimed Service stands in the cloud, and what has to be written and undone because of that. */
export class ServiceDesk {
  readonly #options: ServiceDeskOptions;
  /** UIDs of Services of which it is not known yet where they may hold something, by namespace. */
  readonly #unknown = new Map<string, Set<string>>();
  readonly #unsettled = new Set<string>();
  /** Since when each Service serves on the load balancer that it wants now. */
  readonly #servingSince = new Map<string, number>();

  constructor(options: ServiceDeskOptions) {
    this.#options = options;
  }

  /** Whether every load balancer that may hold a Pod of the namespace is known and was read. */
  isComplete(namespace: string | undefined): boolean {
    return namespace === undefined ? this.#unknown.size === 0 : !this.#unknown.has(namespace);
  }

  /** Whether it is known and read what the Service has in the cloud. */
  isKnown(service: Claimed['service']): boolean {
    return this.#unknown.get(service.namespace)?.has(service.uid) !== true;
  }

  /**
   * Looks at the Service anew and does what follows.
   * @returns the load balancers on which it stands now or did before
   */
  settle(claimed: Claimed): ReadonlySet<string> {
    const { board, tenancies } = this.#options;
    const { service, intent } = claimed;
    const state = this.#placements(claimed);
    board.put(service, 'load balancer', state.problems);
    const concerned = tenancies.set(intent, state.placements);
    this.#note(claimed, state);
    const isSettled = !intent.leaving && state.placements.every(({ role }) => role === 'wanted');
    if (isSettled) this.#unsettled.delete(service.uid);
    else this.#unsettled.add(service.uid);
    this.#write(claimed, state);
    return concerned;
  }

  /** UIDs of the Services that are on their way somewhere: time alone may take them further. */
  unsettled(): Iterable<string> {
    return this.#unsettled;
  }

  /** The Service is gone. @returns the load balancers on which it stood */
  forget({ service }: Claimed): ReadonlySet<string> {
    this.#know(service.namespace, service.uid);
    this.#unsettled.delete(service.uid);
    this.#servingSince.delete(service.uid);
    return this.#options.tenancies.remove(service.uid);
  }

  #placements({ service, intent }: Claimed): ServicePlacements {
    const { directory, driver, fleet, clock, policy } = this.#options;
    return placementsOf({
      intent,
      wanted: directory.stateOf(service.uid),
      previous: directory.previousOf(service.uid),
      facts: {
        now: clock.now(),
        servingSince: this.#servesSince(service.uid),
        remaining: id => {
          const plan = fleet.get(id)?.lane.isSettled ? driver.listenerPlan(id) : undefined;
          return plan?.remaining.get(service.uid);
        },
        listeners: id => fleet.get(id)?.lane.listeners ?? [],
        policy,
      },
    });
  }

  #servesSince(serviceUid: string): number | undefined {
    if (!this.#isServing(serviceUid)) {
      this.#servingSince.delete(serviceUid);
      return undefined;
    }
    const since = this.#servingSince.get(serviceUid) ?? this.#options.clock.now();
    this.#servingSince.set(serviceUid, since);
    return since;
  }

  /** On the load balancer that it wants, every rule that is not refused has an open target, or no Pod that could be one. */
  #isServing(serviceUid: string): boolean {
    const { tenancies, driver, fleet, hasReadyPods } = this.#options;
    const wanted = tenancies.placementsOf(serviceUid).find(({ role }) => role === 'wanted');
    if (!wanted) return false;
    const lane = fleet.get(wanted.loadBalancer.id)?.lane;
    const asked = driver.rulesAt(wanted.loadBalancer.id, serviceUid);
    const rules = asked.filter(rule => rule.refusal === undefined);
    if (!lane?.observed || rules.some(rule => rule.place === undefined)) return false;
    // Where every port is refused nothing serves.
    if (rules.length === 0 && asked.length > 0) return false;
    const couldServe = rules.filter(hasReadyPods);
    return couldServe.every(rule => lane.plan?.rules.get(rule.id)?.state.targets.some(isOpen) === true);
  }

  #note({ service }: Claimed, state: ServicePlacements): void {
    const { fleet } = this.#options;
    const isRead = state.placements.every(({ loadBalancer }) => fleet.get(loadBalancer.id)?.lane.observed === true);
    if (state.isComplete && isRead) {
      this.#know(service.namespace, service.uid);
      return;
    }
    const unknown = this.#unknown.get(service.namespace) ?? new Set();
    this.#unknown.set(service.namespace, unknown.add(service.uid));
  }

  #know(namespace: string, serviceUid: string): void {
    const unknown = this.#unknown.get(namespace);
    unknown?.delete(serviceUid);
    if (unknown?.size === 0) this.#unknown.delete(namespace);
  }

  #write({ service, intent }: Claimed, state: ServicePlacements): void {
    const { ports, directory, fleet } = this.#options;
    if (!intent.isPaused) for (const id of state.toDelete) directory.remove(service.uid, id);
    if (state.isReleased) {
      ports.releaseService(service, { keepsAddress: intent.handsBack === true });
      return;
    }
    ports.claimService(service, this.#recordChange(service.uid, state));
    if (!intent.leaving && state.status && fleet.get(state.status.id)?.lane.observed) {
      const { id, virtualAddresses, domain } = state.status;
      ports.writeStatus(service, { loadBalancerId: id, addresses: virtualAddresses, hostname: domain });
    }
  }

  #recordChange(serviceUid: string, { placements, toRecord, toForget }: ServicePlacements) {
    const adopting: AdoptedListener[] = [];
    const left: AdoptedListener[] = [];
    for (const { id: loadBalancerId } of placements.map(({ loadBalancer }) => loadBalancer)) {
      const plan = this.#options.driver.listenerPlan(loadBalancerId);
      const own = (adoptions: readonly Adoption[] = []) =>
        adoptions
          .filter(adoption => adoption.serviceUid === serviceUid)
          .map(({ listenerId }) => ({ loadBalancerId, listenerId }));
      adopting.push(...own(plan?.adopting));
      left.push(...own(plan?.left));
    }
    return {
      add: { loadBalancers: toRecord, adoptedListeners: adopting },
      drop: { loadBalancers: toForget, adoptedListeners: left },
    };
  }
}
