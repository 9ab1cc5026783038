import type { Clock } from '../common/clock.ts';
import type { Logger } from '../common/logger.ts';
import { GateState } from '../common/pod-record.ts';
import type { Cloud, HealthCheckSettings } from './cloud/types.ts';
import { Confirmations } from './confirmations.ts';
import { type ClusterView, clusterView, type PodView } from './core/cluster-view.ts';
import { gateDecision } from './core/gate.ts';
import { type GateLatch, isLatched, latchOpen, refreshLatch } from './core/gate-latch.ts';
import type { LanePlanLimits } from './core/lane-plan.ts';
import { type Rule, selects } from './core/rule.ts';
import type { PlacedRule, RuleTarget } from './core/rule-state.ts';
import { DrainAnswers, type DrainMoments } from './drain-answers.ts';
import type { Knowledge } from './knowledge.ts';
import type { ServiceRecord } from './kube/service-reflector.ts';
import { Lane, type LaneFailure, type LaneTiming } from './lanes/lane.ts';
import type { WriteFence } from './lanes/write-fence.ts';
import type { LeaderPorts } from './leader-ports.ts';
import { type ListenerPlan, planListeners } from './loadbalancers/listener-plan.ts';
import { LoadBalancerDirectory } from './loadbalancers/load-balancer-directory.ts';
import { missingPort } from './loadbalancers/missing-port.ts';
import { type Problem, problem } from './loadbalancers/problem.ts';
import { claimOf, type ServiceIntent } from './loadbalancers/service-intent.ts';
import type { CoordinatorObserver } from './observer.ts';
import { TargetHistory } from './target-history.ts';

export interface LeaderWorkOptions {
  readonly knowledge: Knowledge;
  readonly ports: LeaderPorts;
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly fence: WriteFence;
  readonly log: Logger;
  /** Short hash of the cluster and the instance, as it stands in marks. */
  readonly cluster: string;
  readonly vpcId: string;
  readonly healthCheck: HealthCheckSettings | undefined;
  /** How long after weight 0 was read back new connections may still arrive. */
  readonly settleMs: number;
  readonly limits: LanePlanLimits;
  readonly timing: LaneTiming;
  /** TKE's own Service controller runs in this cluster. */
  readonly tkeController: () => boolean;
  readonly observer: CoordinatorObserver;
}

/** Changes are gathered this long before anything is decided, so that a burst is one decision. */
const COALESCE_MS = 1;
/** Something may always have become due. */
const TICK_MS = 1_000;
/** A new leader shuts no gate before agents must have told of those that were opened last. */
const NO_CLOSING_MS = 5_000;
const TELL_AGAIN_MS = 60_000;

type ProblemSubject = { readonly namespace: string; readonly name: string; readonly uid: string };

interface LiveLane {
  readonly lane: Lane;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  readonly history: TargetHistory;
  virtualAddresses: readonly string[];
}

interface Claimed {
  readonly service: ServiceRecord;
  readonly intent: ServiceIntent;
}

/**
 * What one term of leadership does: from the warm knowledge to lanes, gates, drains and Service status. Everything is
 * decided anew at each turn from facts; nothing here has to survive a leader change.
 */
export class LeaderWork {
  readonly #options: LeaderWorkOptions;
  readonly #directory: LoadBalancerDirectory;
  readonly #lanes = new Map<string, LiveLane>();
  /** Lanes that were stopped and may still have their last write in flight, by load balancer. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #confirmations = new Confirmations();
  /** Namespaces whose Services were listed consistently: when the list began, and what it had. */
  readonly #serviceLists = new Map<string, { startedAt: number; services: readonly ServiceRecord[] }>();
  readonly #drains: DrainAnswers;
  /** When each problem was told last. */
  readonly #toldAt = new Map<string, number>();
  #latch: GateLatch = new Map();
  #scheduled = false;
  #signal: AbortSignal | undefined;
  #startedAt = 0;

  constructor(options: LeaderWorkOptions) {
    this.#options = options;
    const { cloud, clock, fence, cluster, vpcId, log } = options;
    const onChange = () => this.changed();
    this.#drains = new DrainAnswers(options);
    this.#directory = new LoadBalancerDirectory({ cloud, clock, fence, cluster, vpcId, log, onChange });
  }

  /** Works until `signal` aborts; writes that are under way are finished before it resolves. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#startedAt = this.#options.clock.now();
    const tick = () => {
      if (signal.aborted) return;
      this.changed();
      this.#options.clock.schedule(TICK_MS, tick);
    };
    tick();
    await this.#directory.run(signal);
    await Promise.all([...[...this.#lanes.values()].map(live => live.done), ...this.#ending.values()]);
  }

  /** Knowledge has changed: decide again soon. */
  changed(): void {
    if (this.#scheduled || !this.#signal || this.#signal.aborted) return;
    this.#scheduled = true;
    this.#options.clock.schedule(COALESCE_MS, () => {
      this.#scheduled = false;
      if (!this.#signal?.aborted) this.#turn();
    });
  }

  /** The API server agrees with the agent about this Pod. */
  confirmed(podUid: string): void {
    const stored = this.#options.knowledge.store.pods.get(podUid);
    if (stored) this.#confirmations.add(stored.record);
    this.changed();
  }

  /** A consistent list of a namespace's Services. */
  servicesListed(namespace: string, list: { startedAt: number; services: readonly ServiceRecord[] }): void {
    this.#serviceLists.set(namespace, list);
    this.changed();
  }

  /** The latest drains, newest first. */
  recentDrains(): readonly DrainMoments[] {
    return this.#drains.recent();
  }

  /** Since when the target is in its state, as far as this term has seen. */
  targetSince(loadBalancerId: string, key: string): number | undefined {
    return this.#lanes.get(loadBalancerId)?.history.since(key);
  }

  lanes(): readonly Lane[] {
    return [...this.#lanes.values()].map(live => live.lane);
  }

  #turn(): void {
    const { knowledge, clock } = this.#options;
    knowledge.expire(clock.now());
    if (!knowledge.servicesKnown) return;
    const view = this.#view();
    const claimed = this.#claims();
    const rules = this.#driveLanes(claimed, view);
    this.#reportMissingPorts(view, rules);
    this.#askForConfirmations(view, rules);
    this.#writeGates(view, rules);
    this.#answerDrains(claimed);
    this.#writeServices(claimed);
  }

  #view(): ClusterView {
    const { knowledge } = this.#options;
    const confirmed = this.#confirmations.current(knowledge.store.pods);
    return clusterView({ store: knowledge.store, drains: knowledge.drains, confirmed });
  }

  // --- Services and their load balancers

  #claims(): Claimed[] {
    const { knowledge, ports } = this.#options;
    const tkeController = this.#options.tkeController();
    const claimed: Claimed[] = [];
    for (const service of knowledge.services.values()) {
      const claim = claimOf(service, { tkeController });
      const problems =
        claim.kind === 'claimed' ? claim.intent.problems : claim.kind === 'refused' ? claim.problems : [];
      for (const problem of problems) this.#report(service, problem);
      if (claim.kind !== 'claimed') continue;
      claimed.push({ service, intent: claim.intent });
      if (!service.finalized) ports.ensureFinalizer(service);
      this.#directory.ensure(claim.intent, { mayCreate: service.finalized });
    }
    this.#directory.keepOnly(new Set(claimed.map(({ service }) => service.uid)));
    return claimed;
  }

  /** Hands every lane what is wanted of it, and answers with all rules, those without a place included. */
  #driveLanes(claimed: readonly Claimed[], view: ClusterView): Rule[] {
    const byLoadBalancer = new Map<string, ServiceIntent[]>();
    const rules: Rule[] = [];
    for (const { intent } of claimed) {
      const state = this.#directory.stateOf(intent.service.uid);
      if (state.kind === 'failed') this.#report(intent.service, state.problem);
      if (state.kind === 'ready') {
        const { id, virtualAddresses } = state.loadBalancer;
        byLoadBalancer.set(id, [...(byLoadBalancer.get(id) ?? []), intent]);
        this.#lane(id).virtualAddresses = virtualAddresses;
      } else if (!intent.leaving) {
        rules.push(...intent.rules.map(rule => ({ ...rule, place: undefined, refusal: undefined })));
      }
    }
    for (const [id, intents] of byLoadBalancer) rules.push(...this.#driveLane(id, intents, view));
    for (const id of this.#lanes.keys()) if (!byLoadBalancer.has(id)) this.#stopLane(id);
    return rules;
  }

  #driveLane(id: string, intents: readonly ServiceIntent[], view: ClusterView): Rule[] {
    const { ports } = this.#options;
    const { lane, virtualAddresses, history } = this.#lane(id);
    const plan = lane.observed ? this.#planListeners(lane, intents) : undefined;
    const rules: Rule[] = intents
      .filter(intent => !intent.leaving)
      .flatMap(intent => intent.rules)
      .map(rule => {
        const listenerId = plan?.listenerIds.get(rule.id);
        const refused = plan?.refused.get(rule.id);
        if (refused) this.#report(rule.service, refused);
        const place = listenerId === undefined ? undefined : { loadBalancerId: id, listenerId, locationId: '' };
        return { ...rule, place, refusal: refused?.code ?? lane.refusalOf(rule.id) };
      });
    const placed = rules.filter((rule): rule is PlacedRule => rule.place !== undefined);
    const gateWaits = anyGateWaits(view, placed);
    const answer = lane.update({ rules: placed, view, virtualAddresses, listenerWork: plan?.work ?? [], gateWaits });
    for (const orphan of answer?.orphans ?? []) ports.prove(orphan.mark);
    history.observe(answer?.states ?? [], this.#options.clock.now());
    return rules;
  }

  #planListeners(lane: Lane, intents: readonly ServiceIntent[]): ListenerPlan {
    const { cluster, healthCheck } = this.#options;
    return planListeners({ intents, listeners: lane.listeners, cluster, healthCheck });
  }

  #lane(id: string): LiveLane {
    const known = this.#lanes.get(id);
    if (known) return known;
    const { cluster, cloud, clock, fence, limits, timing, log } = this.#options;
    const lane = new Lane({
      loadBalancerId: id,
      cluster,
      cloud,
      clock,
      fence,
      limits,
      timing,
      log: log.child({ loadBalancer: id }),
      onObserved: () => this.changed(),
      onWrite: write => this.#options.observer.wrote(write.kind, write.operations.length),
      onFailure: failure => this.#reportFailure(failure),
    });
    const stop = new AbortController();
    if (this.#signal?.aborted) stop.abort();
    this.#signal?.addEventListener('abort', () => stop.abort(), { once: true });
    const live: LiveLane = {
      lane,
      stop,
      // One writer (law L7): the lane before may not have ended its last write yet.
      done: (this.#ending.get(id) ?? Promise.resolve()).then(() => lane.run(stop.signal)),
      history: new TargetHistory(),
      virtualAddresses: [],
    };
    this.#lanes.set(id, live);
    return live;
  }

  #stopLane(id: string): void {
    const live = this.#lanes.get(id);
    if (!live) return;
    live.stop.abort();
    this.#lanes.delete(id);
    const done = live.done.finally(() => {
      if (this.#ending.get(id) === done) this.#ending.delete(id);
    });
    this.#ending.set(id, done);
  }

  #reportFailure(failure: LaneFailure): void {
    const { knowledge } = this.#options;
    const { error } = failure;
    const message = `Load balancer ${failure.loadBalancerId}: ${error.message}. ${error.hint}`;
    for (const service of knowledge.services.values()) {
      const state = this.#directory.stateOf(service.uid);
      const uses = state.kind === 'ready' && state.loadBalancer.id === failure.loadBalancerId;
      const meant = failure.ruleIds.length === 0 || failure.ruleIds.some(id => id.startsWith(`${service.uid}/`));
      if (uses && meant) this.#report(service, { code: error.code, reason: 'CloudRefused', message });
    }
  }

  /** A problem that lasts is told again only after a while: turns come many times a second. */
  #report(service: ProblemSubject, problem: Problem): void {
    const key = `${service.uid} ${problem.code} ${problem.message}`;
    const now = this.#options.clock.now();
    for (const [other, at] of this.#toldAt) if (now - at >= TELL_AGAIN_MS) this.#toldAt.delete(other);
    if (this.#toldAt.has(key)) return;
    this.#toldAt.set(key, now);
    this.#options.ports.reportProblem(service, problem);
  }

  #writeServices(claimed: readonly Claimed[]): void {
    const { ports } = this.#options;
    for (const { service, intent } of claimed) {
      const state = this.#directory.stateOf(service.uid);
      if (intent.leaving) this.#letGo(service, intent);
      else if (state.kind === 'ready') {
        const { id, virtualAddresses, domain } = state.loadBalancer;
        const status = { loadBalancerId: id, address: virtualAddresses[0] ?? '', hostname: domain };
        if (this.#lanes.get(id)?.lane.observed) ports.writeStatus(service, status);
      }
    }
  }

  /** Listeners first, then the load balancer if it was made by us, then the finalizer. */
  #letGo(service: ServiceRecord, intent: ServiceIntent): void {
    const state = this.#directory.stateOf(service.uid);
    if (state.kind === 'released') {
      this.#options.ports.releaseService(service);
      return;
    }
    const lane = state.kind === 'ready' ? this.#lanes.get(state.loadBalancer.id)?.lane : undefined;
    if (!lane?.observed) return;
    const remaining = this.#planListeners(lane, [intent]).remaining.get(service.uid) ?? 0;
    if (remaining > 0) return;
    const kept = intent.loadBalancer.kind === 'created' ? inUse(service, lane) : undefined;
    if (kept) this.#report(service, kept);
    else this.#directory.release(intent);
  }

  // --- Pods

  #reportMissingPorts(view: ClusterView, rules: readonly Rule[]): void {
    for (const rule of rules) {
      if (typeof rule.targetPort === 'number') continue;
      const pods = view.podsSelectedBy(rule);
      const missing = missingPort(
        rule,
        pods.map(({ record }) => record),
      );
      if (missing) this.#report(rule.service, missing);
    }
  }

  #askForConfirmations(view: ClusterView, rules: readonly Rule[]): void {
    for (const rule of rules) {
      for (const pod of view.podsSelectedBy(rule)) {
        if (!pod.confirmed && pod.record.addresses.length > 0) {
          this.#options.ports.confirm(pod);
        }
      }
    }
  }

  #writeGates(view: ClusterView, rules: readonly Rule[]): void {
    this.#latch = refreshLatch(this.#latch, view.pods.values());
    const targets = this.#targets();
    for (const pod of view.pods.values()) {
      if (pod.deletionSeenAt !== undefined) this.#options.ports.dropGate(pod.record.uid);
      if (pod.record.gate === GateState.ABSENT || isLatched(this.#latch, pod)) continue;
      const selecting = rules.filter(rule => selects(rule, pod.record));
      const decision = gateDecision({
        pod,
        rules: selecting,
        targetAt: (loadBalancerId, key) => targets.get(loadBalancerId)?.get(key),
        provenUnselected: selecting.length === 0 && this.#provenUnselected(pod),
      });
      if (decision.status === 'unknown') continue;
      const open = decision.status === 'open';
      // The leader before may have opened it a moment ago, and the agent not have told yet.
      if (!open && this.#options.clock.now() - this.#startedAt < NO_CLOSING_MS) continue;
      if (open) this.#latch = latchOpen(this.#latch, pod);
      this.#options.ports.writeGate(pod, { open, reason: decision.reason, message: decision.message });
    }
  }

  #targets(): Map<string, Map<string, RuleTarget>> {
    return new Map(
      [...this.#lanes].map(([id, { lane }]) => {
        const targets = lane.view().states.flatMap(state => state.targets);
        return [id, new Map(targets.map(target => [target.key, target]))] as const;
      }),
    );
  }

  /** Law L3: only a list that began after the Pod was first reported can tell that nothing selects it. */
  #provenUnselected(pod: PodView): boolean {
    const { namespace } = pod.record;
    const list = this.#serviceLists.get(namespace);
    const isProven = list && list.startedAt >= pod.firstSeenAt && !this.#isSelectedBy(list.services, pod);
    // What selects it on this list may be gone by now: only another one can tell.
    if (!isProven) this.#options.ports.listServices(namespace);
    return isProven === true;
  }

  #isSelectedBy(services: readonly ServiceRecord[], pod: PodView): boolean {
    return services.some(service => {
      const claim = claimOf(service, { tkeController: this.#options.tkeController() });
      if (claim.kind !== 'claimed' || claim.intent.leaving) return false;
      return claim.intent.rules.some(rule => selects(rule, pod.record));
    });
  }

  #answerDrains(claimed: readonly Claimed[]): void {
    const isComplete = (namespace: string | undefined) =>
      claimed.every(
        ({ service, intent }) => (namespace !== undefined && service.namespace !== namespace) || this.#isFound(intent),
      );
    this.#drains.answer(
      [...this.#lanes.values()].map(live => live.lane.view()),
      isComplete,
    );
  }

  #isFound(intent: ServiceIntent): boolean {
    const state = this.#directory.stateOf(intent.service.uid);
    return state.kind !== 'pending' && (state.kind !== 'failed' || state.absent);
  }
}

/** Law L6: a load balancer goes only when nothing is left on it, since it would take foreign listeners along. */
function inUse({ namespace, name }: ServiceRecord, { listeners }: Lane): Problem | undefined {
  const [first] = listeners;
  if (!first) return undefined;
  return problem(
    'CD1007',
    `Service ${namespace}/${name}: its load balancer is kept, because listener ${first.id} ("${first.name}") is still ` +
      'on it. Move or delete what uses it; the load balancer and the Service go when it has no listener.',
  );
}

function anyGateWaits(view: ClusterView, rules: readonly PlacedRule[]): boolean {
  return rules.some(rule =>
    view
      .podsSelectedBy(rule)
      .some(
        pod =>
          pod.record.gate === GateState.CLOSED &&
          pod.deletionSeenAt === undefined &&
          (pod.record.ready || rule.publishNotReadyAddresses),
      ),
  );
}
