import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { CoreWorld } from '../../test/property/core-world.ts';
import { deleted, ready } from '../../test/property/pod-changes.ts';
import { DEFAULT_PLAN_LIMITS } from '../core/lane-plan.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import type { Difference } from './differences.ts';
import { FakeCloud, type SeenWrite } from './fake-cloud.ts';
import { DEFAULT_HEALTH_TIMING, HealthPoller } from './health-poller.ts';
import { DEFAULT_LANE_TIMING, Lane, type LaneDemand, type LaneFailure, type ObservedChange } from './lane.ts';
import type { OperationWait } from './lane-options.ts';

/** A lane over a fake cloud, with the Pods of a miniature cluster. Every listener serves all of them. */
export class LaneBench {
  readonly clock = new VirtualClock();
  readonly cloud = new FakeCloud(this.clock);
  readonly world: CoreWorld;
  readonly failures: LaneFailure[] = [];
  readonly changes: ObservedChange[] = [];
  readonly differences: Difference[] = [];
  readonly foreign: Difference[] = [];
  /** Of each target that was written. */
  readonly waits: OperationWait[] = [];
  readonly stop = new AbortController();
  leaseHeld = true;
  /** A further listener port that is wanted. */
  wantedPort: number | undefined;
  /** Told instead of deriving it from `wantedPort`. */
  listenerWork: ListenerWork[] | undefined;
  gateWaits = false;
  awaitsAbsence = false;
  /** Wanted instead of all of the world's. */
  rules: LaneDemand['rules'] | undefined;
  readonly laneOptions = {
    loadBalancerId: 'lb-1',
    cluster: 'c1',
    cloud: this.cloud,
    clock: this.clock,
    fence: { mayWrite: () => this.leaseHeld },
    limits: DEFAULT_PLAN_LIMITS,
    timing: DEFAULT_LANE_TIMING,
    log: silentLogger,
    predecessorWritesUntil: Number.NEGATIVE_INFINITY,
    predecessorShownAt: Number.NEGATIVE_INFINITY,
    onObserved: (change: ObservedChange) => {
      this.changes.push(change);
      this.demand();
    },
    onWrite: (_: unknown, waits: readonly OperationWait[]) => this.waits.push(...waits),
    onFailure: (failure: LaneFailure) => this.failures.push(failure),
    onDifference: (differences: readonly Difference[]) => this.differences.push(...differences),
    onForeign: (differences: readonly Difference[]) => this.foreign.push(...differences),
  };
  readonly lane = new Lane(this.laneOptions);
  readonly poller = new HealthPoller({
    cloud: this.cloud,
    clock: this.clock,
    timing: DEFAULT_HEALTH_TIMING,
    log: silentLogger,
  });
  #running: Promise<unknown> | undefined;

  constructor(ports: readonly number[] = [80]) {
    this.world = new CoreWorld(ports.map(port => ({ port, app: 'web' })));
  }

  start(): void {
    this.cloud.listeners = this.world.rules.map(({ port, place }) => ({
      id: place.listenerId,
      name: 'ours',
      protocol: 'TCP',
      port,
      healthCheck: true,
      forwardingRules: [],
    }));
    this.poller.attach(this.lane);
    this.#running = Promise.all([this.lane.run(this.stop.signal), this.poller.run(this.stop.signal)]);
    this.demand();
  }

  /** Tells the lane of the cluster as it is now. */
  demand(): void {
    this.lane.update({
      rules: this.rules ?? this.world.rules,
      view: this.world.view(),
      virtualAddresses: ['10.9.9.9'],
      listenerWork: this.listenerWork ?? this.#missingListener(),
      gateWaits: this.gateWaits,
      awaitsAbsence: this.awaitsAbsence,
    });
  }

  #missingListener(): ListenerWork[] {
    const { wantedPort: port } = this;
    if (port === undefined || this.lane.listeners.some(listener => listener.port === port)) return [];
    return [{ kind: 'create', request: { name: 'ours', protocol: 'TCP', ports: [port] }, ruleIds: [`s0/TCP/${port}`] }];
  }

  /** `demand` has to follow. */
  addReadyPod(address: string): number {
    this.world.now = Math.max(this.world.now, this.clock.now());
    this.world.addPod({ node: 'n1', address, app: 'web' });
    const index = this.world.pods.length - 1;
    this.world.change(index, ready);
    this.world.confirm(index);
    this.world.reportOne(index);
    return index;
  }

  /** Ready Pods at 10.0.<block>.1 and on; `demand` has to follow. */
  addReadyPods(count: number, block = 0): number[] {
    return Array.from({ length: count }, (_, index) =>
      this.addReadyPod(`10.${Math.floor(index / 250)}.${block}.${(index % 250) + 1}`),
    );
  }

  delete(...indices: number[]): void {
    this.world.now = Math.max(this.world.now, this.clock.now());
    for (const index of indices) {
      this.world.change(index, deleted);
      this.world.reportOne(index);
    }
    this.demand();
  }

  podUid(index: number): string {
    return this.world.pods[index]?.record.uid ?? '';
  }

  /** The writes of a kind, or all. */
  writes(kind?: SeenWrite['kind']): readonly SeenWrite[] {
    return this.cloud.writes.filter(write => kind === undefined || write.kind === kind);
  }

  sizes(kind?: SeenWrite['kind']): number[] {
    return this.writes(kind).map(write => write.keys.length);
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.clock.advance(10_000);
    await this.#running;
  }
}
