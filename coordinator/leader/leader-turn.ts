import type { Clock } from '../../common/clock.ts';
import { drainProgress } from '../core/drain-progress.ts';
import type { LiveView } from '../core/live-view.ts';
import type { Knowledge } from '../knowledge.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';
import type { LoadBalancerDirectory } from '../loadbalancers/load-balancer-directory.ts';
import { missingPort } from '../loadbalancers/missing-port.ts';
import type { ServiceIntent } from '../loadbalancers/service-intent.ts';
import { waitsForTke } from '../loadbalancers/tke-gate.ts';
import { unreachablePods } from '../loadbalancers/unreachable-pods.ts';
import { autoConfig } from '../tke-service-config/auto-config.ts';
import type { BarePods } from './bare-pods.ts';
import { type Claimed, type Claims, selectionOf } from './claims.ts';
import { addAll, type Dirt, take, takeSome } from './dirt.ts';
import type { DrainAnswers } from './drain-answers.ts';
import { drainLane } from './drain-lane.ts';
import type { GateKeeper } from './gate-keeper.ts';
import type { HeldServices } from './held-services.ts';
import type { LaneDriver } from './lane-driver.ts';
import type { LaneFleet } from './lane-fleet.ts';
import type { LaneReporter } from './lane-reporter.ts';
import type { LeaderPorts } from './leader-ports.ts';
import type { LintDesk } from './lint-desk.ts';
import type { NodeDesk } from './node-desk.ts';
import type { Orphans } from './orphans.ts';
import type { PodDesk } from './pod-desk.ts';
import type { PodPlaces } from './pod-places.ts';
import type { ProblemBoard } from './problem-board.ts';
import type { ServiceDesk } from './service-desk.ts';
import type { Tenancies } from './tenancies.ts';
import type { WantedRules } from './wanted-rules.ts';

/** A new leader of a large cluster has much to look at, and still has to renew its lease and to answer agents. */
const PODS_PER_TURN = 1_000;
const LOAD_BALANCERS_PER_TURN = 50;

/** The parts of a term that a turn brings up to date with each other. */
export interface LeaderTurnOptions {
  readonly knowledge: Knowledge;
  readonly ports: Pick<LeaderPorts, 'listServices' | 'writeConfig'>;
  readonly clock: Clock;
  readonly dirt: Dirt;
  readonly view: LiveView;
  readonly nodes: NodeDesk;
  readonly pods: PodDesk;
  readonly held: HeldServices;
  readonly claims: Claims;
  readonly board: ProblemBoard;
  readonly directory: LoadBalancerDirectory;
  readonly tenancies: Tenancies;
  readonly fleet: LaneFleet;
  readonly driver: LaneDriver;
  readonly reporter: LaneReporter;
  readonly desk: ServiceDesk;
  readonly places: PodPlaces;
  readonly orphans: Orphans;
  readonly rules: WantedRules;
  readonly gates: GateKeeper;
  readonly drains: DrainAnswers;
  readonly bare: Pick<BarePods, 'look'>;
  readonly lint: Pick<LintDesk, 'mark'>;
}

/** What follows from what changed: from Services and Pods to load balancers, from these to gates and answers to hooks. */
export class LeaderTurn {
  readonly #options: LeaderTurnOptions;
  /** Whether every load balancer that may hold something of ours was known and read. */
  #wasComplete = false;

  constructor(options: LeaderTurnOptions) {
    this.#options = options;
  }

  /** Looks at what is dirty, the urgent all of it. @returns whether something is left for another turn */
  take(): boolean {
    const { knowledge, dirt, nodes } = this.#options;
    if (!knowledge.wishesKnown) return false;
    this.#claimServices(take(dirt.services));
    const podUids = [...take(dirt.leavingPodUids), ...takeSome(dirt.podUids, PODS_PER_TURN)];
    const changedPods = this.#refreshPods(podUids);
    for (const uid of take(dirt.placements)) this.#place(uid);
    this.#noteCompleteness();
    for (const id of takeSome(dirt.loadBalancers, LOAD_BALANCERS_PER_TURN)) this.#drive(id);
    for (const [id, { podUids, ruleIds }] of changedPods) this.#tellLane(id, podUids, ruleIds);
    for (const id of takeSome(dirt.observed, LOAD_BALANCERS_PER_TURN)) this.#digest(id);
    for (const uid of takeSome(dirt.ports, LOAD_BALANCERS_PER_TURN)) this.#reportPods(uid);
    for (const uid of takeSome(dirt.gates, PODS_PER_TURN)) this.#look(uid);
    this.#answerDrains(take(dirt.drains));
    for (const node of take(dirt.nodes)) nodes.look(node);
    const left = [dirt.placements, dirt.podUids, dirt.loadBalancers, dirt.observed, dirt.ports, dirt.gates];
    return left.some(({ size }) => size > 0);
  }

  #look(podUid: string): void {
    this.#options.pods.ask(podUid);
    this.#options.gates.look(podUid);
    this.#options.bare.look(podUid);
  }

  #claimServices(keys: readonly string[]): void {
    const { ports, dirt, view, claims, board, held, directory } = this.#options;
    const claimed: Claimed[] = [];
    for (const key of keys) {
      const { before, after, service, problems } = claims.refresh(key);
      if (before) addAll(dirt.gates, view.podUidsOf(before.service.uid));
      if (before && before.service.uid !== after?.service.uid) this.#forgetService(before);
      if (service) board.put(service, 'claim', problems);
      if (before && !service?.finalized) held.forget(before.service.uid);
      if (after) claimed.push(after);
    }
    if (claimed.length === 0) return;
    view.setServices(claimed.map(selectionOf));
    for (const { service, intent } of claimed) {
      addAll(dirt.gates, view.podUidsOf(service.uid));
      if (intent.finalized && !intent.held && !intent.leaving) ports.listServices(service.namespace);
      directory.ensure(intent);
      dirt.placements.add(service.uid);
      dirt.ports.add(service.uid);
      this.#keepConfig(service, intent);
    }
  }

  #keepConfig(service: OwnerRecord, { held, leaving, rules }: ServiceIntent): void {
    const { knowledge, ports } = this.#options;
    if (!held || leaving || !knowledge.tkeServiceConfigs.areKnown) return;
    const config = autoConfig(service, rules, name => knowledge.tkeServiceConfigs.get(`${service.namespace}/${name}`));
    if (config) ports.writeConfig(config);
  }

  #forgetService(claimed: Claimed): void {
    const { dirt, view, directory, board, desk, held } = this.#options;
    const { uid } = claimed.service;
    held.gone(uid);
    view.removeService(uid);
    directory.forget(uid);
    board.forget(uid);
    addAll(dirt.loadBalancers, desk.forget(claimed));
  }

  /** @returns by load balancer, whose facts changed for its lane, and the rules that may select them only now */
  #refreshPods(podUids: readonly string[]): Map<string, { podUids: Set<string>; ruleIds: Set<string> }> {
    const { knowledge, dirt, pods, fleet, tenancies, driver } = this.#options;
    const changed = new Map<string, { podUids: Set<string>; ruleIds: Set<string> }>();
    const changedAt = (id: string) => {
      const entry = changed.get(id) ?? { podUids: new Set(), ruleIds: new Set() };
      changed.set(id, entry);
      return entry;
    };
    for (const podUid of podUids) {
      const services = pods.refresh(podUid);
      dirt.gates.add(podUid);
      if (knowledge.drains.has(podUid)) dirt.drains.add(podUid);
      for (const live of fleet.concernedBy(podUid)) changedAt(live.lane.loadBalancerId).podUids.add(podUid);
      for (const uid of services) {
        dirt.ports.add(uid);
        for (const { loadBalancer } of tenancies.placementsOf(uid)) {
          const entry = changedAt(loadBalancer.id);
          entry.podUids.add(podUid);
          for (const rule of driver.rulesAt(loadBalancer.id, uid)) entry.ruleIds.add(rule.id);
        }
      }
    }
    return changed;
  }

  #place(serviceUid: string): void {
    const { knowledge, dirt, view, claims, desk, tenancies } = this.#options;
    const claimed = claims.get(serviceUid);
    if (!claimed) return;
    // What it still holds there is told by a plan: one from before CLB was read last does not know what was made since.
    for (const { loadBalancer } of tenancies.placementsOf(serviceUid))
      if (dirt.loadBalancers.delete(loadBalancer.id)) this.#drive(loadBalancer.id);
    const wasComplete = desk.isComplete(claimed.service.namespace);
    addAll(dirt.loadBalancers, desk.settle(claimed));
    addAll(dirt.gates, view.podUidsOf(serviceUid));
    // What a new leader could not conclude before, it may now.
    if (desk.isComplete(claimed.service.namespace) !== wasComplete) addAll(dirt.drains, knowledge.drains.keys());
  }

  /** Forwarding rules are known to be unwanted only while everything is known. */
  #noteCompleteness(): void {
    const { desk, fleet, dirt } = this.#options;
    const isComplete = desk.isComplete(undefined);
    if (isComplete && !this.#wasComplete)
      for (const { lane } of fleet.all()) dirt.loadBalancers.add(lane.loadBalancerId);
    this.#wasComplete = isComplete;
  }

  #drive(loadBalancerId: string): void {
    const { knowledge, dirt, view, fleet, driver, tenancies } = this.#options;
    const tenants = tenancies.tenantsOf(loadBalancerId);
    if (driver.drive(loadBalancerId)) addAll(dirt.placements, tenants.keys());
    for (const uid of tenants.keys()) addAll(dirt.gates, view.podUidsOf(uid));
    const concerned = [...(fleet.get(loadBalancerId)?.lane.concernedPods() ?? [])];
    fleet.note(loadBalancerId, concerned);
    // What is paused holds no hook any more.
    addAll(
      dirt.drains,
      concerned.filter(uid => knowledge.drains.has(uid)),
    );
    dirt.observed.add(loadBalancerId);
  }

  #tellLane(loadBalancerId: string, podUids: ReadonlySet<string>, ruleIds: ReadonlySet<string>): void {
    const { dirt, fleet } = this.#options;
    const live = fleet.get(loadBalancerId);
    if (!live) return;
    live.lane.podsChanged(podUids, ruleIds);
    const touched = live.lane.plan?.touched ?? [];
    addAll(dirt.gates, touched);
    fleet.note(loadBalancerId, [...podUids, ...touched]);
    dirt.observed.add(loadBalancerId);
  }

  /** What else the newest plan of a lane calls for. */
  #digest(loadBalancerId: string): void {
    const { fleet, orphans, reporter, clock } = this.#options;
    orphans.look(loadBalancerId);
    const live = fleet.get(loadBalancerId);
    if (!live?.lane.plan) return;
    live.history.observe(live.lane.plan.rules.values(), clock.now());
    reporter.plan(loadBalancerId);
  }

  /** Tells what keeps Pods of the Service from being bound. */
  #reportPods(serviceUid: string): void {
    const { claims, pods, rules, board, lint } = this.#options;
    const claimed = claims.get(serviceUid);
    if (!claimed) return;
    lint.mark(serviceUid);
    const records = pods.recordsOf(serviceUid);
    const problems = [unreachablePods(claimed.service, records), waitsForTke(claimed.service, records)];
    for (const rule of rules.of(serviceUid)) {
      if (typeof rule.targetPort === 'string') problems.push(missingPort(rule, records));
    }
    board.put(
      claimed.service,
      'Pods',
      problems.filter(found => found !== undefined),
    );
  }

  /** A Pod that nothing known selects may be served by an Ingress that nobody may read. */
  #isSelectionKnown(podUid: string): boolean {
    const { knowledge, view } = this.#options;
    return knowledge.ingresses.areKnown || view.servicesOf(podUid).size > 0;
  }

  #answerDrains(podUids: readonly string[]): void {
    const { knowledge, drains, fleet, desk, places } = this.#options;
    drains.answer(podUids, drain => {
      const { podUid } = drain;
      const namespace = knowledge.store.pods.get(podUid)?.record.namespace;
      const lanes = fleet.concernedBy(podUid).map(live => drainLane(live, podUid));
      const isComplete = desk.isComplete(namespace) && places.isCertain(podUid) && this.#isSelectionKnown(podUid);
      return drainProgress(drain, lanes, isComplete);
    });
  }
}
