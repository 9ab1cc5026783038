import type { Clock } from '../../common/clock.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { Knowledge } from '../../coordinator/knowledge.ts';
import type { LeaderWork } from '../../coordinator/leader/leader-work.ts';
import { CoordinatorMetrics } from '../../coordinator/status/metrics.ts';
import { registerStateGauges } from '../../coordinator/status/state-gauges.ts';
import { type GaugedReplica, takeGauges } from '../../coordinator/status/take-gauges.ts';
import { leaderStand } from '../leader-stand.ts';
import { StepMeter } from '../step-meter.ts';
import { InstantCloud } from './instant-cloud.ts';
import { Population, type ScaleSize } from './population.ts';

/** All first decisions are made long before. */
const START_LIMIT_MS = 600_000;
const HEARTBEAT_MS = 3_000;

/** One term of leadership over a large cluster at rest, with nothing to wait for but the coordinator itself. */
export class Term {
  readonly population: Population;
  readonly meter: StepMeter;
  readonly #real: Clock;
  readonly #clock = new VirtualClock();
  readonly #cloud: InstantCloud;
  readonly #knowledge = new Knowledge();
  readonly #size: ScaleSize;
  readonly #stop = new AbortController();
  readonly #registry = new CoordinatorMetrics().registry;
  #work: LeaderWork | undefined;
  #running: Promise<void> | undefined;

  constructor(size: ScaleSize, real: Clock) {
    this.#size = size;
    this.#real = real;
    this.meter = new StepMeter(real, this.#clock);
    this.population = new Population(size);
    registerStateGauges(this.#registry, () => takeGauges(this.#replica(), this.#clock));
    this.#cloud = new InstantCloud(this.population.balancers());
  }

  /** Real milliseconds until every node's snapshot is applied, as a replica that starts does. */
  applyReports(): number {
    const startedAt = this.#real.now();
    this.#knowledge.services.replace(this.population.services());
    this.#knowledge.ingresses.replace(new Map());
    this.#knowledge.tkeServiceConfigs.replace(new Map());
    for (let node = 0; node < this.population.nodes; node += 1) {
      const pods = this.population.podsOf(node);
      const name = `node-${node}`;
      const event = { type: 'snapshot', node: name, session: name, epoch: 'e', pods, consistent: true } as const;
      this.#knowledge.applyReport(event, this.#clock.now());
    }
    return this.#real.now() - startedAt;
  }

  /** Real milliseconds of the coordinator's work until every lane has read its load balancer and decided. */
  async lead(): Promise<number> {
    this.#work = leaderStand({
      clock: this.meter.clock,
      cloud: this.#cloud,
      knowledge: this.#knowledge,
      writeGate: () => undefined,
      sendDrainUpdate: () => undefined,
    });
    this.#beat();
    const startedAt = this.#real.now();
    this.#running = this.#work.run(this.#stop.signal);
    await this.meter.advanceUntil(() => this.#isDecided(), START_LIMIT_MS);
    return this.#real.now() - startedAt;
  }

  /** A Pod's readiness changes: its weight follows, and is read back. */
  podChanges(pod: number, ready: boolean): void {
    const node = this.population.nodeOf(pod);
    const upserts = [this.population.pod(pod, { ready })];
    this.#knowledge.applyReport({ type: 'delta', node, session: node, upserts, removals: [] }, this.#clock.now());
  }

  /** Real milliseconds until everything that a leader shows is taken and written, as at each scrape. */
  async scrape(): Promise<number> {
    const startedAt = this.#real.now();
    await this.#registry.metrics();
    return this.#real.now() - startedAt;
  }

  #replica(): GaugedReplica {
    return {
      isLeading: true,
      isObserving: false,
      leadership: { leader: 'bench', term: 1 },
      mayWriteUntil: this.#clock.now(),
      work: this.#work,
      knowledge: this.#knowledge,
      watchedNodes: [],
      reports: { sessions: () => [] },
    };
  }

  /** Targets whose weight CLB was told to change. */
  get weightChanges(): number {
    return this.#cloud.weightChanges;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#clock.advance(60_000);
    await this.#running;
  }

  /** Agents go on speaking: of silent nodes nothing would be changed. */
  #beat(): void {
    if (this.#stop.signal.aborted) return;
    for (let index = 0; index < this.population.nodes; index += 1) {
      const node = `node-${index}`;
      this.#knowledge.applyReport({ type: 'heard', node, session: node }, this.#clock.now());
    }
    this.#clock.schedule(HEARTBEAT_MS, () => this.#beat());
  }

  #isDecided(): boolean {
    const lanes = this.#work?.lanes() ?? [];
    return lanes.length === this.#size.services && lanes.every(lane => lane.plan !== undefined);
  }
}
