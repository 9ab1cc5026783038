import type { Clock } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { clbCloud } from '../../coordinator/cloud/clb-client.ts';
import type { ClbTransport } from '../../coordinator/cloud/transport.ts';
import { Knowledge } from '../../coordinator/knowledge.ts';
import type { ReportEvent } from '../../coordinator/reports/report-event.ts';
import { DrainPhase, DrainState, type DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import { ClbServer } from '../../sandbox/clb/server.ts';
import type { ClbSettings } from '../../sandbox/clb/settings.ts';
import { clbTransport } from '../../test/simulation/clb-transport.ts';
import { leaderStand, SETTLE_MS, VPC_ID } from '../leader-stand.ts';
import { StepMeter } from '../step-meter.ts';
import { Cluster, HOOK_BUDGET_MS } from './cluster.ts';
import { DrainTimes } from './drain-times.ts';

/** How long an agent takes to hear of what the API server or the coordinator did. */
const TOLD_MS = 4;
/** From the hook's answer to the end of the containers. */
const EXIT_MS = 50;
const SETTLED_LIMIT_MS = 3_600_000;
/** As agents do. */
const HEARTBEAT_MS = 3_000;

export interface StageOptions {
  readonly services: number;
  readonly settings: ClbSettings;
  readonly real: Clock;
}

/** A coordinator that leads, one sandbox CLB in process, and a cluster whose agents answer as real ones do. */
export class Stage {
  readonly clock = new VirtualClock();
  readonly times = new DrainTimes();
  readonly meter: StepMeter;
  readonly cluster: Cluster;
  /** Told of each Pod whose gate opened, and of each that is gone. */
  onGateOpened: (podUid: string) => void = () => undefined;
  onGone: (podUid: string) => void = () => undefined;
  readonly #knowledge = new Knowledge();
  readonly #server: ClbServer;
  readonly #stop = new AbortController();
  readonly #open = new Set<string>();
  /** Pods whose hook is held. */
  readonly #held = new Set<string>();
  readonly #ending = new Set<string>();
  readonly #running: Promise<void>;
  #podEvents = 0;
  #budgetsUsedUp = 0;

  constructor({ services, settings, real }: StageOptions) {
    const { clock } = this;
    this.meter = new StepMeter(real, clock);
    this.#server = new ClbServer({ clock, random: seededRandom(1), settings, probe: async () => true });
    this.#server.journal.onRecord(record => this.times.observe(record));
    this.cluster = new Cluster({
      services,
      loadBalancerId: this.#server.seed({ vpcId: VPC_ID }).id,
      tell: event => this.#tell(event),
      wallNow: () => clock.wallNow(),
    });
    const items = new Map(this.cluster.services.map(service => [`${service.namespace}/${service.name}`, service]));
    this.#knowledge.services.replace(items);
    this.#knowledge.ingresses.replace(new Map());
    this.#knowledge.tkeServiceConfigs.replace(new Map());
    const work = leaderStand({
      clock: this.meter.clock,
      cloud: clbCloud({ transport: this.#transport(), clock: this.meter.clock, random: seededRandom(2) }),
      knowledge: this.#knowledge,
      writeGate: ({ record }, { open }) => open && this.#openGate(record.uid),
      sendDrainUpdate: (_, update) => this.#followDrain(update),
    });
    this.cluster.beginReporting();
    this.#beat();
    this.#running = work.run(this.#stop.signal);
  }

  #beat(): void {
    if (this.#stop.signal.aborted) return;
    this.cluster.beat();
    this.clock.schedule(HEARTBEAT_MS, () => this.#beat());
  }

  /** Reports of Pods since the start; drain requests are not counted. */
  get podEvents(): number {
    return this.#podEvents;
  }

  /** Hooks that returned because their budget had ended, before the target was deregistered. */
  get budgetsUsedUp(): number {
    return this.#budgetsUsedUp;
  }

  /** The Pods whose gate is open, oldest first. */
  get openPods(): readonly string[] {
    return [...this.#open];
  }

  delete(podUid: string): void {
    this.times.requested(this.cluster.addressOf(podUid), this.clock.wallNow());
    this.#open.delete(podUid);
    this.#held.add(podUid);
    this.cluster.delete(podUid);
    this.#later(HOOK_BUDGET_MS, () => {
      if (this.#held.has(podUid)) this.#budgetsUsedUp += 1;
      this.#answer(podUid);
    });
  }

  async untilOpen(pods: number): Promise<void> {
    await this.meter.advanceUntil(() => this.#open.size >= pods, SETTLED_LIMIT_MS);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#server.stop();
    await this.clock.advance(60_000);
    await this.#running;
  }

  /** Replies come as timers of the coordinator's clock, so that the work they cause is counted as the coordinator's. */
  #transport(): ClbTransport {
    const inner = clbTransport(this.#server);
    return {
      call: (action, parameters, signal) =>
        new Promise((resolve, reject) => {
          const arrive = (settle: () => void) => this.meter.clock.schedule(0, settle);
          inner.call(action, parameters, signal).then(
            reply => arrive(() => resolve(reply)),
            error => arrive(() => reject(error)),
          );
        }),
    };
  }

  #tell(event: ReportEvent): void {
    if (event.type === 'delta') this.#podEvents += 1;
    this.#knowledge.applyReport(event, this.clock.now());
  }

  #later(delayMs: number, act: () => void): void {
    this.meter.clock.schedule(delayMs, act);
  }

  #openGate(podUid: string): void {
    if (this.#open.has(podUid) || !this.cluster.has(podUid)) return;
    this.#open.add(podUid);
    this.#later(TOLD_MS, () => {
      this.cluster.gateOpened(podUid);
      this.onGateOpened(podUid);
    });
  }

  #followDrain({ podUid, state }: DrainUpdate): void {
    if (!this.#held.has(podUid)) return;
    if (state === DrainState.WEIGHT_ZERO) {
      this.times.readBack(this.cluster.addressOf(podUid), this.clock.wallNow());
      if (!this.#ending.has(podUid)) this.#later(SETTLE_MS, () => this.#endConnections(podUid));
      this.#ending.add(podUid);
    }
    if (state === DrainState.DEREGISTERED) this.#later(TOLD_MS, () => this.#answer(podUid));
  }

  #endConnections(podUid: string): void {
    if (this.#held.has(podUid)) this.cluster.hook(podUid, DrainPhase.CONNECTIONS_ENDED);
  }

  /** The hook returns, the containers end. */
  #answer(podUid: string): void {
    if (!this.#held.delete(podUid)) return;
    this.#ending.delete(podUid);
    this.cluster.hook(podUid, DrainPhase.ANSWERED);
    this.#later(EXIT_MS, () => {
      this.cluster.finish(podUid);
      this.onGone(podUid);
    });
  }
}
