import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import type { Cloud, HealthCheckSettings } from '../cloud/types.ts';
import type { LanePlanLimits } from '../core/lane-plan.ts';
import type { NodeSignKind } from '../core/node-sign.ts';
import type { Rule } from '../core/rule.ts';
import type { Knowledge, KnowledgeChange } from '../knowledge.ts';
import type { NamespaceList } from '../kube/namespace-services.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';
import type { PodProfile } from '../kube/pod-profile.ts';
import type { SecretLook, SecretName } from '../kube/secret-reader.ts';
import { Auditor } from '../lanes/auditor.ts';
import { DEFAULT_HEALTH_TIMING, HealthPoller } from '../lanes/health-poller.ts';
import type { Lane } from '../lanes/lane.ts';
import type { LaneOptions, LaneTiming, ObservedChange } from '../lanes/lane-options.ts';
import type { WriteFence } from '../lanes/write-fence.ts';
import { LoadBalancerDirectory } from '../loadbalancers/load-balancer-directory.ts';
import type { ExistingLoadBalancerPolicy } from '../loadbalancers/placements.ts';
import { VISIBLE_WITHIN_MS } from '../loadbalancers/visible-within.ts';
import type { IntendedChange } from '../observe/intended-change.ts';
import { intendedChanges } from '../observe/intended-changes.ts';
import type { RehearsedRecords } from '../observe/rehearsed-records.ts';
import type { CoordinatorObserver } from '../observer.ts';
import { AccountQuota } from './account-quota.ts';
import { BarePods } from './bare-pods.ts';
import { CertificateShelf } from './certificate-shelf.ts';
import { Claims, type TkeControllers } from './claims.ts';
import { addAll, Dirt } from './dirt.ts';
import { DrainAnswers, type DrainMoments } from './drain-answers.ts';
import { DrainEndings } from './drain-endings.ts';
import { GateKeeper, type GateKeeperOptions } from './gate-keeper.ts';
import { HeldServices } from './held-services.ts';
import { LaneDriver } from './lane-driver.ts';
import { LaneFleet } from './lane-fleet.ts';
import { LaneReporter } from './lane-reporter.ts';
import type { LeaderPorts } from './leader-ports.ts';
import { LeaderTurn } from './leader-turn.ts';
import { LintDesk } from './lint-desk.ts';
import { LiveGates } from './live-gates.ts';
import { MissingRights } from './missing-rights.ts';
import { NodeDesk } from './node-desk.ts';
import { ingressKey, objectKey } from './object-key.ts';
import { Orphans } from './orphans.ts';
import { type NotFound, PodDesk } from './pod-desk.ts';
import { PodEntries } from './pod-entries.ts';
import { PodPlaces } from './pod-places.ts';
import { ProblemBoard } from './problem-board.ts';
import { ServiceDesk } from './service-desk.ts';
import { StuckGates } from './stuck-gates.ts';
import type { TargetHistory } from './target-history.ts';
import { Tenancies } from './tenancies.ts';
import { UnselectedProof } from './unselected-proof.ts';
import { WantedRules } from './wanted-rules.ts';

export interface LeaderWorkOptions {
  readonly knowledge: Knowledge;
  readonly names: InstanceNames;
  readonly ports: LeaderPorts;
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly random: Random;
  readonly fence: WriteFence;
  readonly log: Logger;
  /** Short hash of the cluster and the instance, as it stands in marks. */
  readonly cluster: string;
  readonly vpcId: string;
  readonly healthCheck: HealthCheckSettings | undefined;
  readonly policy: ExistingLoadBalancerPolicy;
  /** How long after weight 0 was read back new connections may arrive, until more is known of a load balancer. */
  readonly settleMs: number;
  /** Which signs of a node's end take its targets out ahead of its Pods. */
  readonly drainNodeOn: ReadonlySet<NodeSignKind>;
  /** Whether an open gate shuts again when CLB finds its Pod unhealthy; not unless told. */
  readonly liveGate?: boolean;
  /** How long a gate may wait for something other than its Pod before that is told; 0, or not told: for ever. */
  readonly stuckGateMs?: number;
  /** How long before it is opened all the same; 0, or not told: never. */
  readonly openStuckGatesMs?: number;
  readonly limits: LanePlanLimits;
  readonly timing: LaneTiming;
  /** Monotonic time until which CLB may still carry out a write of the leader before this one. */
  readonly predecessorWritesUntil: number;
  readonly tkeController: TkeControllers;
  readonly observer: CoordinatorObserver;
  /** Of a coordinator that observes: what would stand on objects. */
  readonly rehearsed?: RehearsedRecords | undefined;
}

/** Changes are gathered this long before anything is decided, so that a burst is one decision. */
const COALESCE_MS = 1;
/** Something may always have become due. */
const TICK_MS = 1_000;

/**
 * What one term of leadership does: from the warm knowledge to lanes, gates, drains and Service status. What changed is
 * decided anew from facts; nothing here has to survive a leader change, and what did not change costs nothing.
 */
export class LeaderWork {
  readonly #options: LeaderWorkOptions;
  readonly #stop = new AbortController();
  readonly #dirt = new Dirt();
  readonly #nodes: NodeDesk;
  readonly #pods: PodDesk;
  readonly #held: HeldServices;
  readonly #certificates: CertificateShelf;
  readonly #claims: Claims;
  readonly #board: ProblemBoard;
  readonly #rights: MissingRights;
  readonly #directory: LoadBalancerDirectory;
  readonly #quota: AccountQuota;
  readonly #tenancies = new Tenancies();
  readonly #fleet: LaneFleet;
  readonly #driver: LaneDriver;
  readonly #reporter: LaneReporter;
  readonly #desk: ServiceDesk;
  readonly #places: PodPlaces;
  readonly #orphans: Orphans;
  readonly #proof: UnselectedProof;
  readonly #entries: PodEntries;
  readonly #gates: GateKeeper;
  readonly #stuck: StuckGates;
  readonly #drains: DrainAnswers;
  readonly #endings: DrainEndings;
  readonly #bare: BarePods;
  readonly #lint: LintDesk;
  readonly #turn: LeaderTurn;
  readonly #unfollow: () => void;
  #predecessorShownAt = Number.POSITIVE_INFINITY;
  #scheduled = false;
  #running = false;

  constructor(options: LeaderWorkOptions) {
    this.#options = options;
    const { knowledge, ports, clock, observer } = options;
    const { signal } = this.#stop;
    this.#nodes = new NodeDesk({
      ...options,
      isSelected: uid => this.#pods.view.servicesOf(uid).size > 0,
      targetOn: node => this.#places.doorOf(knowledge.store.podUidsOf(node)),
      onChange: node => this.#follow({ kind: 'node', node }),
    });
    this.#pods = new PodDesk({ ...options, isInPlace: pod => this.#places.isInPlace(pod), nodes: this.#nodes });
    const { view } = this.#pods;
    this.#held = new HeldServices(clock.now());
    this.#certificates = new CertificateShelf(options);
    const held = options.rehearsed ?? this.#held;
    const claims = new Claims({ ...options, held, certificates: this.#certificates });
    this.#claims = claims;
    this.#board = new ProblemBoard({ clock, tell: (service, problem) => ports.reportProblem(service, problem) });
    this.#rights = new MissingRights(options);
    this.#directory = new LoadBalancerDirectory({
      ...options,
      onChange: serviceUid => this.#mark(this.#dirt.placements, [serviceUid]),
    });
    this.#quota = new AccountQuota({ ...options, onChange: () => this.#driveAll() });
    this.#fleet = new LaneFleet({
      optionsFor: id => this.#laneOptions(id),
      healthPoller: new HealthPoller({ ...options, timing: DEFAULT_HEALTH_TIMING }),
      auditor: new Auditor({ ...options, onDifference: audit => observer.audited(audit) }),
      signal,
    });
    const shared = { ...options, fleet: this.#fleet, tenancies: this.#tenancies, board: this.#board, view };
    const driver = new LaneDriver({
      ...shared,
      clusterName: options.policy.clusterName,
      targetsPerRuleMax: () => this.#quota.targetsPerRule,
      isComplete: () => this.#desk.isComplete(undefined),
      isInherited: uid => this.#held.isInherited(uid),
      gateWaits: id => this.#gates.waitsFor(id),
    });
    this.#driver = driver;
    this.#reporter = new LaneReporter({ ...shared, driver });
    const hasReadyPods = (rule: Rule) => this.#pods.hasReadyPods(rule);
    this.#desk = new ServiceDesk({ ...shared, directory: this.#directory, driver, hasReadyPods });
    const rules = new WantedRules({ claims, driver, desk: this.#desk });
    this.#places = new PodPlaces({ ...shared, claims, desk: this.#desk, rulesOf: uid => rules.of(uid) });
    this.#orphans = new Orphans(shared);
    this.#proof = new UnselectedProof(options);
    this.#entries = new PodEntries({ observer, startedAt: clock.now() });
    const gates = this.#gateOptions(rules);
    this.#gates = new GateKeeper(gates);
    this.#stuck = this.#stuckGates(gates);
    this.#endings = new DrainEndings(options);
    this.#bare = new BarePods({ ...options, view });
    this.#drains = new DrainAnswers({ ...options, settleMs: ids => this.#endings.settleMs(ids) });
    this.#lint = new LintDesk({ ...shared, pods: this.#pods, claims, rules });
    this.#turn = new LeaderTurn({ ...shared, ...this.#partsOfTurns(), claims, rules });
    // From the moment on at which the view was taken.
    this.#unfollow = knowledge.follow(change => this.#follow(change));
  }

  #stuckGates(gates: GateKeeperOptions): StuckGates {
    const { stuckGateMs = 0, openStuckGatesMs = 0, observer } = this.#options;
    return new StuckGates({
      ...gates,
      ...this.#options,
      entries: this.#entries,
      fleet: this.#fleet,
      afterMs: stuckGateMs,
      openAfterMs: openStuckGatesMs,
      onOpenByTime: podUid => {
        if (this.#gates.openByTime(podUid)) observer.gateOpenedByTime();
      },
    });
  }

  #gateOptions(rules: WantedRules): GateKeeperOptions {
    const { view } = this.#pods;
    const { clock, liveGate } = this.#options;
    const targetAt: GateKeeperOptions['targetAt'] = (...place) => this.#fleet.targetAt(...place);
    return {
      ...this.#options,
      view,
      entries: this.#entries,
      rulesOf: podUid => {
        const pod = view.pods.get(podUid);
        return pod ? rules.forPod(pod.record, view.servicesOf(podUid)) : [];
      },
      targetAt,
      live: liveGate ? new LiveGates({ view, clock, targetAt }) : undefined,
      quotaOf: ({ id, place: { loadBalancerId } }) => {
        const leftOut = this.#fleet.get(loadBalancerId)?.lane.plan?.leftOut.get(id) ?? 0;
        return leftOut > 0 ? this.#driver.quotaAt(loadBalancerId) : undefined;
      },
      isCertain: podUid => this.#places.isCertain(podUid),
      isProvenUnselected: pod => this.#proof.holdsFor(pod),
      onWaits: (loadBalancerId, waits) => this.#fleet.get(loadBalancerId)?.lane.setGateWaits(waits),
    };
  }

  #partsOfTurns() {
    return {
      dirt: this.#dirt,
      nodes: this.#nodes,
      pods: this.#pods,
      held: this.#held,
      directory: this.#directory,
      driver: this.#driver,
      reporter: this.#reporter,
      desk: this.#desk,
      places: this.#places,
      orphans: this.#orphans,
      gates: this.#gates,
      drains: this.#drains,
      lint: this.#lint,
      bare: this.#bare,
    };
  }

  /** Works until `signal` aborts; writes that are under way are finished before it resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => this.#stop.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    this.#running = true;
    const { knowledge, clock, predecessorWritesUntil } = this.#options;
    this.#predecessorShownAt = Math.max(clock.now(), predecessorWritesUntil) + VISIBLE_WITHIN_MS;
    this.circumstancesChanged();
    this.#mark(this.#dirt.gates, knowledge.store.pods.keys());
    this.#mark(this.#dirt.drains, knowledge.drains.keys());
    this.#mark(this.#dirt.nodes, knowledge.store.nodes.keys());
    this.#tick();
    const parts = [this.#directory, this.#quota, this.#fleet, this.#nodes, this.#stuck];
    await Promise.all(parts.map(part => part.run(this.#stop.signal)));
    this.#unfollow();
  }

  /** The cluster's circumstances have changed: looks at every Service and Ingress again. */
  circumstancesChanged(): void {
    const { services, ingresses } = this.#options.knowledge;
    this.#mark(this.#dirt.services, services.keys());
    this.#mark(this.#dirt.services, [...ingresses.keys()].map(ingressKey));
  }

  /** The object itself is as it was, but is to be taken otherwise than before. */
  rehearsedOtherwise(owner: OwnerRecord): void {
    this.#mark(this.#dirt.services, [objectKey(owner)]);
  }

  /** What is in a Secret that was asked for. */
  secretRead(secret: SecretName, look: SecretLook): void {
    if (this.#certificates.learn(secret, look)) this.#mark(this.#dirt.services, this.#claims.usersOf('Secret', secret));
  }

  /** The API server agrees with the agent about this Pod. */
  confirmed(podUid: string, profile?: PodProfile): void {
    this.#pods.confirmed(podUid, profile);
    this.#mark(this.#dirt.podUids, [podUid]);
  }

  /** The API server did not say where the Pod is. */
  podNotFound(podUid: string, answer: NotFound): void {
    this.#pods.notFound(podUid, answer);
    this.#mark(this.#dirt.podUids, [podUid]);
  }

  /** The API server has put our finalizer on the Service or Ingress, which did not have it. */
  finalized(ownerUid: string): void {
    this.#held.finalized(ownerUid);
  }

  /** The API server has the Pod's gate as True. */
  gateOpened(podUid: string): void {
    this.#entries.opened(podUid, this.#options.clock.now());
  }

  /** The cloud's name of a node; undefined when it has none. */
  instanceFound(node: string, instanceId: string | undefined): void {
    this.#mark(this.#dirt.podUids, this.#pods.instanceFound(node, instanceId));
  }

  /** A consistent list of a namespace's Services and Ingresses. */
  servicesListed(namespace: string, list: NamespaceList): void {
    this.#mark(this.#dirt.gates, this.#proof.listed(namespace, list));
    const { startedAt, services, ingresses } = list;
    const held = this.#held.listed({ startedAt, objects: [...services, ...(ingresses ?? [])] });
    this.#mark(this.#dirt.services, held.map(objectKey));
  }

  /** The latest drains, newest first. */
  recentDrains(): readonly DrainMoments[] {
    return this.#drains.recent();
  }

  /** Since when the target is in its state, as far as this term has seen. */
  targetSince(loadBalancerId: string, key: string): number | undefined {
    return this.#fleet.get(loadBalancerId)?.history.since(key);
  }

  /** What closed gates wait for. */
  gateWaits(): ReturnType<PodEntries['waits']> {
    return this.#entries.waits();
  }

  /** The targets that are otherwise than wanted, and not kept so by law L2. */
  *mismatched(): ReturnType<TargetHistory['mismatched']> {
    for (const { history } of this.#fleet.all()) yield* history.mismatched();
  }

  /** Of each rule, its targets by where they stand. */
  *targetCounts(): ReturnType<TargetHistory['counts']> {
    for (const { history } of this.#fleet.all()) yield* history.counts();
  }

  /** What is found of silent nodes. */
  get losses(): NodeDesk['losses'] {
    return this.#nodes.losses;
  }

  /** Pods that lack what makes their changes lossless. */
  get bare(): Pick<BarePods, 'ungated' | 'unhooked'> {
    return this.#bare;
  }

  /** Services and Ingresses of which nothing is changed, by their users' word. */
  get pausedCount(): number {
    return [...this.#claims.all()].filter(({ intent }) => intent.isPaused).length;
  }

  /** Every change of CLB that is to be made now, or is being made. */
  intendedChanges(): Iterable<IntendedChange> {
    return intendedChanges({ ...this.#directory.intended, lanes: this.lanes(), pods: this.#pods.view.pods });
  }

  lanes(): readonly Lane[] {
    return [...this.#fleet.all()].map(live => live.lane);
  }

  // --- what happened

  #follow(change: KnowledgeChange): void {
    const { knowledge } = this.#options;
    switch (change.kind) {
      case 'pod':
        this.#entries.reported(change.podUid, knowledge.store.pods.get(change.podUid), this.#options.clock.now());
        this.#mark(this.#isLeaving(change.podUid) ? this.#dirt.leavingPodUids : this.#dirt.podUids, [change.podUid]);
        break;
      case 'service':
        this.#mark(this.#dirt.services, [change.key, ...this.#claims.usersOf('Service', nameOf(change.key))]);
        break;
      case 'ingress':
        this.#mark(this.#dirt.services, [ingressKey(change.key)]);
        break;
      case 'tke-service-config':
        this.#mark(this.#dirt.services, this.#claims.usersOf('TkeServiceConfig', nameOf(change.key)));
        break;
      case 'rights':
        this.#rightsChanged();
        break;
      case 'drain-asked':
        if (knowledge.store.pods.get(change.podUid)?.deletionSeenAt === undefined) this.#pods.doubted(change.podUid);
        this.#mark(this.#dirt.drains, [change.podUid]);
        break;
      case 'drain-answered':
        this.#endings.ended(change.podUid, change.answer, this.#drains.holdersOf(change.podUid));
        break;
      case 'node':
        // Ahead of all others, like those that leave by themselves.
        this.#mark(this.#dirt.leavingPodUids, knowledge.store.podUidsOf(change.node));
        this.#mark(this.#dirt.nodes, [change.node]);
    }
  }

  /** What hung on objects that nobody could read may be decided now, or no more. */
  #rightsChanged(): void {
    const { knowledge } = this.#options;
    this.circumstancesChanged();
    this.#driveAll();
    this.#mark(this.#dirt.gates, knowledge.store.pods.keys());
    this.#mark(this.#dirt.drains, knowledge.drains.keys());
  }

  #isLeaving(podUid: string): boolean {
    const { store, drains } = this.#options.knowledge;
    return drains.has(podUid) || store.pods.get(podUid)?.deletionSeenAt !== undefined;
  }

  #observed(loadBalancerId: string, { podUids, listeners }: ObservedChange): void {
    this.#fleet.note(loadBalancerId, podUids);
    addAll(this.#dirt.gates, podUids);
    for (const uid of podUids) if (this.#options.knowledge.drains.has(uid)) this.#dirt.drains.add(uid);
    if (listeners) {
      addAll(this.#dirt.drains, this.#options.knowledge.drains.keys());
      this.#dirt.loadBalancers.add(loadBalancerId);
      const tenants = this.#tenancies.tenantsOf(loadBalancerId);
      addAll(this.#dirt.placements, tenants.keys());
      addAll(this.#dirt.ports, tenants.keys());
    }
    this.#mark(this.#dirt.observed, [loadBalancerId]);
  }

  #mark<T>(dirty: Set<T>, items: Iterable<T>): void {
    addAll(dirty, items);
    if (this.#scheduled || !this.#running || this.#stop.signal.aborted) return;
    this.#scheduled = true;
    this.#options.clock.schedule(COALESCE_MS, () => {
      this.#scheduled = false;
      if (this.#stop.signal.aborted) return;
      // What is left has its turn after whatever else the process has to do.
      if (this.#turn.take()) this.#mark(this.#dirt.gates, []);
    });
  }

  #tick(): void {
    if (this.#stop.signal.aborted) return;
    const { clock, knowledge } = this.#options;
    knowledge.expire(clock.now());
    this.#board.remind();
    this.#rights.tell();
    this.#lint.look();
    this.#pods.askAgain();
    this.#orphans.askAgain();
    this.#certificates.askAgain(secret => this.#claims.usersOf('Secret', secret).size > 0);
    addAll(this.#dirt.placements, this.#desk.unsettled());
    addAll(this.#dirt.loadBalancers, this.#driver.departing());
    this.#mark(this.#dirt.gates, this.#gates.takeDeferred());
    clock.schedule(TICK_MS, () => this.#tick());
  }

  #driveAll(): void {
    this.#mark(
      this.#dirt.loadBalancers,
      [...this.#fleet.all()].map(({ lane }) => lane.loadBalancerId),
    );
  }

  // --- lanes

  #laneOptions(loadBalancerId: string): LaneOptions {
    const { log, observer } = this.#options;
    return {
      ...this.#options,
      loadBalancerId,
      predecessorShownAt: this.#predecessorShownAt,
      log: log.child({ loadBalancer: loadBalancerId }),
      targetsPerRuleMax: () => this.#driver.quotaAt(loadBalancerId),
      onObserved: change => this.#observed(loadBalancerId, change),
      onChanged: () => this.#directory.lookAgain(loadBalancerId),
      onWrite: (write, waits) => observer.wrote(write.kind, waits),
      onFailure: failure => {
        this.#reporter.failed(failure);
        // What CLB refuses is left out of gates.
        this.#mark(this.#dirt.loadBalancers, [loadBalancerId]);
      },
      onDifference: differences => observer.differed(differences),
      onForeign: differences => this.#reporter.foreign(loadBalancerId, differences),
    };
  }
}

/** @param key `namespace/name` */
function nameOf(key: string): { namespace: string; name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}
