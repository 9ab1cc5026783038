import { aborted } from '../common/aborted.ts';
import type { Clock } from '../common/clock.ts';
import { sleep } from '../common/clock.ts';
import { deadline } from '../common/deadline.ts';
import type { InstanceNames } from '../common/instance-names.ts';
import type { KubeObject, Pod } from '../common/kube/objects.ts';
import { podPath } from '../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../common/kube/transport.ts';
import type { Logger } from '../common/logger.ts';
import type { NodePolicy } from '../common/pods/detect-eni.ts';
import type { Random } from '../common/random.ts';
import type { Cloud, HealthCheckSettings } from './cloud/types.ts';
import { clusterHash } from './cluster-hash.ts';
import type { CoordinatorMode } from './coordinator-mode.ts';
import { DEFAULT_PLAN_LIMITS } from './core/lane-plan.ts';
import type { NodeSignKind } from './core/node-sign.ts';
import { Knowledge, type OptionalKind } from './knowledge.ts';
import { runIngressReflector } from './kube/ingress-reflector.ts';
import type { Predecessor } from './kube/leader-election/election-step.ts';
import { HolderDeaths } from './kube/leader-election/holder-deaths.ts';
import { LeaderElector } from './kube/leader-election/leader-elector.ts';
import { leaseLock } from './kube/leader-election/lease-lock.ts';
import { runNodeReflector } from './kube/node-reflector.ts';
import type { OwnerRecord } from './kube/owner-record.ts';
import { runServiceReflector } from './kube/service-reflector.ts';
import { runTkeServiceConfigReflector } from './kube/tke-service-config-reflector.ts';
import { KubePorts } from './kube-ports.ts';
import { DEFAULT_LANE_TIMING } from './lanes/lane.ts';
import { FENCE_MARGIN_MS, leaseFence, SHUT_FENCE, type WriteFence } from './lanes/write-fence.ts';
import { LeaderWork } from './leader/leader-work.ts';
import type { ExistingLoadBalancerPolicy } from './loadbalancers/placements.ts';
import { PodCover } from './nodes/pod-cover.ts';
import { ChangeTeller } from './observe/change-teller.ts';
import { ObservingPorts } from './observe/observing-ports.ts';
import { RehearsedRecords } from './observe/rehearsed-records.ts';
import type { CoordinatorObserver } from './observer.ts';
import { ReportServer } from './reports/report-server.ts';

export interface CoordinatorEdges {
  readonly clock: Clock;
  readonly random: Random;
  readonly kube: KubeTransport;
  readonly cloud: Cloud;
  readonly log: Logger;
  readonly observer: CoordinatorObserver;
  /** What else the leader does until the signal aborts; never rejects. */
  readonly alsoWhileLeading?: (signal: AbortSignal) => Promise<void>;
}

export interface CoordinatorOptions {
  /** `observe`: works everything out and writes nothing; its carriers let no write through either (`readOnly`). */
  readonly mode: CoordinatorMode;
  /** Name of this replica. */
  readonly name: string;
  readonly podUid: string;
  /** Random per process; in the lease's holder identity and in every Welcome. */
  readonly incarnation: string;
  readonly namespace: string;
  /** Tells clusters apart that share a load balancer; part of every mark. */
  readonly clusterName: string;
  /** Keeps instances in one cluster apart. */
  readonly names: InstanceNames;
  readonly vpcId: string;
  /** Which existing load balancers Services may use. */
  readonly existingLoadBalancers: ExistingLoadBalancerPolicy['existing'];
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly settleMs: number;
  /** Which signs of a node's end take its targets out ahead of its Pods. */
  readonly drainNodeOn: readonly NodeSignKind[];
  readonly healthCheck: HealthCheckSettings | undefined;
  /** Whether an open gate shuts again when CLB finds its Pod unhealthy. */
  readonly liveGate?: boolean;
  /** How long a gate may wait for something other than its Pod before that is told; 0, or not told: for ever. */
  readonly stuckGateMs?: number;
  /** How long before it is opened all the same; 0, or not told: never. */
  readonly openStuckGatesMs?: number;
  /** A node whose agent is missing for so long is watched by the leader itself. */
  readonly nodeWatchAfterMs: number;
  /** Every Pod gets its address from VPC-CNI; `auto` lets each node decide. */
  readonly pureVpcCni: NodePolicy['pureVpcCni'];
}

const LEASE_NAME = 'clb-direct';
const START_RETRY_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** After the lease was released: time for the next leader to speak to the agents before their streams end. */
const HANDOVER_MS = 1_500;
/** How often a follower drops what it knows of drains and Pods that have ended, so that its memory does not grow with them. */
const FORGET_INTERVAL_MS = 10_000;

/** The longest that CLB takes to carry out a write, from its call to the end of its task; a parameter, not measured on the real one. */
const PREDECESSOR_WRITE_MS = 10_000;

interface Term {
  readonly work: LeaderWork;
  readonly cover: PodCover;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** What a term is to do. */
interface Charge {
  readonly cluster: string;
  readonly fence: WriteFence;
  /** Set: everything is only rehearsed. */
  readonly rehearsed: RehearsedRecords | undefined;
}

/**
 * One replica: keeps its knowledge warm all the time, and does a leader's work while it holds the lease. No sockets of
 * its own: `reports.handle` is given to whatever carries the streams.
 */
export class Coordinator {
  readonly reports: ReportServer;
  readonly knowledge = new Knowledge();
  readonly #edges: CoordinatorEdges;
  readonly #options: CoordinatorOptions;
  readonly #deaths: HolderDeaths;
  #elector: LeaderElector | undefined;
  #term: Term | undefined;
  #termNumber = 0;
  /** Until when CLB may still carry out what leaders before us asked for. */
  #predecessorWritesUntil = Number.NEGATIVE_INFINITY;
  /** When the work of every term so far has ended. */
  #ended: Promise<void> = Promise.resolve();

  constructor(edges: CoordinatorEdges, options: CoordinatorOptions) {
    this.#edges = edges;
    this.#options = options;
    this.#deaths = new HolderDeaths({
      ...edges,
      holder: () => this.#elector?.holderIdentity(),
      findPod: name => this.#findPod(name),
      onProven: (identity, at) => this.#elector?.holderDied(identity, at),
    });
    this.reports = new ReportServer({
      coordinator: options.name,
      incarnation: options.incarnation,
      podUid: options.podUid,
      observes: options.mode === 'observe',
      clock: edges.clock,
      logger: edges.log.child({ component: 'reports' }),
      onEvent: event => this.knowledge.applyReport(event, edges.clock.now()),
      onCoordinatorEnded: (node, ended) => this.#deaths.told(node, ended),
    });
  }

  get isLeading(): boolean {
    return this.#elector?.isLeading ?? false;
  }

  /** It works everything out and writes nothing. */
  get isObserving(): boolean {
    return this.#options.mode === 'observe';
  }

  /** Who leads, and since which transition of the lease, as far as this replica knows. */
  get leadership(): { readonly leader: string; readonly term: number } {
    return { leader: this.#elector?.holderIdentity() ?? '', term: this.#termNumber };
  }

  /** Until when this replica may write by its lease, monotonic milliseconds; in the past while it does not lead. */
  get mayWriteUntil(): number {
    return this.isLeading ? (this.#elector?.mayWriteUntil() ?? 0) : Number.NEGATIVE_INFINITY;
  }

  /** Undefined while all is well, else what is wrong: for the liveness probe. */
  ailment(): string | undefined {
    return this.#elector?.isStalled() ? 'it leads by its own word, but its lease has run out' : undefined;
  }

  /** What the present term works with; undefined while another replica leads. One that observes is always at work. */
  get work(): LeaderWork | undefined {
    return this.#term?.work;
  }

  /** The nodes whose Pods the present term watches itself. */
  get watchedNodes(): readonly string[] {
    return this.#term?.cover.watchedNodes ?? [];
  }

  /** Works until `signal` aborts; then ends the writes in flight and hands the lease over. */
  async run(signal: AbortSignal): Promise<void> {
    const rest = new AbortController();
    const reflectors = this.#runReflectors(rest.signal);
    const forgetting = this.#forgetWhileFollowing(rest.signal);
    const cluster = await this.#clusterHash(signal);
    if (cluster !== undefined) await (this.isObserving ? this.#observe(cluster, signal) : this.#lead(cluster, signal));
    rest.abort();
    await Promise.all([...reflectors, forgetting]);
  }

  /** A leader forgets on its own turns, when it has acted on what has ended. */
  async #forgetWhileFollowing(signal: AbortSignal): Promise<void> {
    const { clock } = this.#edges;
    while (!signal.aborted) {
      await sleep(clock, FORGET_INTERVAL_MS, signal).catch(() => undefined);
      if (this.#term) continue;
      this.knowledge.expire(clock.now());
      this.knowledge.forgetNodesGone(clock.now());
    }
  }

  #runReflectors(signal: AbortSignal): Promise<void>[] {
    const { knowledge } = this;
    const { kube: transport, clock } = this.#edges;
    const edges = { ...this.#edges, transport, names: this.#options.names };
    const optional = (kind: OptionalKind) => ({
      onForbidden: () => knowledge.forbid(kind),
      onAbsent: () => knowledge.absent(kind),
    });
    return [
      runServiceReflector({ ...edges, onEvent: event => knowledge.services.apply(event) }, signal),
      runIngressReflector(
        { ...edges, ...optional('Ingress'), onEvent: event => knowledge.applyIngresses(event) },
        signal,
      ),
      runTkeServiceConfigReflector(
        { ...edges, ...optional('TkeServiceConfig'), onEvent: event => knowledge.applyTkeServiceConfigs(event) },
        signal,
      ),
      runNodeReflector({ ...edges, onEvent: event => this.knowledge.applyNodes(event, clock.now()) }, signal),
    ];
  }

  /** Does what a leader does but for writing. It takes no lease: whoever leads beside it goes on. */
  async #observe(cluster: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#edges;
    log.info('observing: nothing will be written, to the cluster or to CLB');
    const term = this.#begin({ cluster, fence: SHUT_FENCE, rehearsed: new RehearsedRecords() });
    const told = new ChangeTeller({ clock, log, intended: () => term.work.intendedChanges() }).run(signal);
    await aborted(signal);
    term.stop.abort();
    await Promise.all([term.done, told]);
  }

  async #lead(cluster: string, signal: AbortSignal): Promise<void> {
    const { clock, random, log, kube } = this.#edges;
    const { namespace, podUid, incarnation } = this.#options;
    const elector = new LeaderElector({
      ...this.#options,
      identity: `${podUid}_${incarnation}`,
      lock: leaseLock({ transport: kube, namespace, name: LEASE_NAME }),
      clock,
      random,
      onStartedLeading: (term, predecessor) => this.#start(cluster, term, predecessor),
      onStoppedLeading: () => this.#stop(),
      onFollowed: () => this.#deaths.look(),
      onError: error => log.warn('the lease could not be read or written, will try again', { error }),
    });
    this.#elector = elector;
    const never = new AbortController();
    const running = elector.run(never.signal);
    await aborted(signal);
    await this.#outlastPredecessors(elector);
    // Writes in flight end under the lease; only then may another replica have it.
    const term = this.#term;
    term?.stop.abort();
    await term?.done;
    using limit = deadline(clock, 'releasing the lease', REQUEST_TIMEOUT_MS);
    const led = elector.isLeading;
    await elector.release(limit.signal).catch(error => log.warn('the lease was not released', { error }));
    await running;
    if (led) await sleep(clock, HANDOVER_MS, never.signal);
  }

  /** Whoever takes a lease that was released trusts all reads: not before the leaders before us have certainly written. */
  async #outlastPredecessors(elector: LeaderElector): Promise<void> {
    const { clock } = this.#edges;
    const leftMs = this.#predecessorWritesUntil - clock.now();
    if (elector.isLeading && leftMs > 0) await sleep(clock, leftMs, new AbortController().signal);
  }

  async #findPod(name: string): Promise<Pod | undefined> {
    try {
      return (await this.#get(podPath(this.#options.namespace, name), new AbortController().signal)) as Pod;
    } catch (error) {
      if (error instanceof KubeResponseError && error.status === 404) return undefined;
      throw error;
    }
  }

  #start(cluster: string, term: number, predecessor: Predecessor): void {
    const { clock, log } = this.#edges;
    const elector = this.#elector;
    if (!elector) throw new Error('a term starts only after its election');
    log.info('leading', { term });
    this.#termNumber = term;
    this.#predecessorWritesUntil = Math.max(this.#predecessorWritesUntil, predecessorWritesUntil(predecessor));
    const fence = leaseFence(
      () => clock.now(),
      () => elector.mayWriteUntil(),
    );
    this.#begin({ cluster, fence, rehearsed: undefined });
    this.reports.broadcastLeadership({ leading: true, term });
  }

  #begin({ cluster, fence, rehearsed }: Charge): Term {
    const { clock, random, cloud, log, observer } = this.#edges;
    const stop = new AbortController();
    const { reports, knowledge } = this;
    const kubePorts = new KubePorts(this.#edges, { ...this.#options, reports, knowledge, observer });
    const onRehearsed = (owner: OwnerRecord) => work.rehearsedOtherwise(owner);
    const ports = rehearsed
      ? new ObservingPorts({ asking: kubePorts, log, records: rehearsed, onRehearsed })
      : kubePorts;
    const work: LeaderWork = new LeaderWork({
      names: this.#options.names,
      knowledge: this.knowledge,
      ports,
      cloud,
      clock,
      random,
      fence,
      log: log.child({ component: 'leader' }),
      cluster,
      vpcId: this.#options.vpcId,
      healthCheck: this.#options.healthCheck,
      policy: { existing: this.#options.existingLoadBalancers, clusterName: this.#options.clusterName },
      settleMs: this.#options.settleMs,
      drainNodeOn: new Set(this.#options.drainNodeOn),
      liveGate: this.#options.liveGate ?? false,
      stuckGateMs: this.#options.stuckGateMs ?? 0,
      openStuckGatesMs: this.#options.openStuckGatesMs ?? 0,
      limits: DEFAULT_PLAN_LIMITS,
      timing: DEFAULT_LANE_TIMING,
      predecessorWritesUntil: this.#predecessorWritesUntil,
      // What TKE's controller serves now is rehearsed as if it were handed over.
      tkeController: rehearsed ? () => false : kind => kubePorts.hasTkeController(kind),
      rehearsed,
      observer,
    });
    kubePorts.attach(work);
    const cover = this.#cover();
    // One writer (law L7): a term that was lost a moment ago may still have its last write in flight.
    const done = this.#ended
      .then(() =>
        Promise.all([
          ...[kubePorts, work, cover].map(part => part.run(stop.signal)),
          rehearsed ? undefined : this.#edges.alsoWhileLeading?.(stop.signal),
        ]),
      )
      .then(() => undefined);
    this.#ended = done;
    this.#term = { work, cover, stop, done };
    return this.#term;
  }

  #cover(): PodCover {
    const { clock, random, kube: transport, log } = this.#edges;
    const { nodeWatchAfterMs: afterMs, pureVpcCni, names } = this.#options;
    return new PodCover({
      transport,
      clock,
      random,
      log: log.child({ component: 'nodes' }),
      knowledge: this.knowledge,
      policy: { pureVpcCni },
      names,
      afterMs,
    });
  }

  #stop(): void {
    this.#edges.log.info('no longer leading');
    this.#term?.stop.abort();
    this.#term = undefined;
    this.reports.broadcastLeadership({ leading: false, term: 0 });
  }

  async #clusterHash(signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      try {
        const namespace = await this.#get('/api/v1/namespaces/kube-system', signal);
        return clusterHash({ ...this.#options, clusterUid: namespace?.metadata.uid });
      } catch (error) {
        this.#edges.log.warn('the kube-system namespace could not be read, will try again', { error });
        await sleep(this.#edges.clock, START_RETRY_MS, signal).catch(() => undefined);
      }
    }
    return undefined;
  }

  async #get(path: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    using limit = deadline(this.#edges.clock, `GET ${path}`, REQUEST_TIMEOUT_MS, signal);
    const request = { method: 'GET', path } as const;
    const response = await this.#edges.kube.request(request, limit.signal);
    if (response.status !== 200) throw new KubeResponseError(request, response);
    return response.body as KubeObject;
  }
}

/** A write begins only while the lease outlives its deadline (law L7), so that long before a lease runs out the last one has begun. */
function predecessorWritesUntil(predecessor: Predecessor): number {
  switch (predecessor.type) {
    case 'none':
      return Number.NEGATIVE_INFINITY;
    case 'dead':
      return predecessor.at + PREDECESSOR_WRITE_MS;
    case 'expired':
      return predecessor.at - DEFAULT_LANE_TIMING.writeTimeoutMs - FENCE_MARGIN_MS + PREDECESSOR_WRITE_MS;
  }
}
