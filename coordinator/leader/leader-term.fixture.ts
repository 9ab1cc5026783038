import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { silentLogger } from '../../common/logger.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { DrainState } from '../../proto/gen/clbdirect/v1/report.ts';
import { DEFAULT_PLAN_LIMITS } from '../core/lane-plan.ts';
import type { EntryStage, StageDuration } from '../core/pod-way.ts';
import { Knowledge } from '../knowledge.ts';
import { changedRecord } from '../kube/load-balancer-record.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import { FakeCloud, loadBalancer } from '../lanes/fake-cloud.ts';
import { DEFAULT_LANE_TIMING } from '../lanes/lane.ts';
import { noObserver } from '../observer.ts';
import type { ReportEvent } from '../reports/report-event.ts';
import type { LeaderPorts } from './leader-ports.ts';
import { LeaderWork } from './leader-work.ts';

const TAGS = { 'clb-direct-service': 'service-uid', 'clb-direct-cluster': 'c1' };
const OWNER = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web', uid: 'owner-uid' };

const DRAIN_STATES = Object.fromEntries(Object.entries(DrainState).map(([name, value]) => [value, name]));

const HEARTBEAT_MS = 3_000;
/** How long the API server takes for a gate. */
export const GATE_WRITE_MS = 20;

/** One term of leadership over a fake cloud; what it does to the API server is written down. */
export class Term {
  readonly clock = new VirtualClock();
  readonly cloud = new FakeCloud(this.clock);
  readonly knowledge = new Knowledge();
  /** What happened, in order. */
  readonly log: string[] = [];
  /** The Services as a consistent list would show them; undefined: the API server does not answer. */
  listed: readonly ServiceRecord[] | undefined;
  #lists = 0;
  /** Whether the API server confirms what it is asked about. */
  confirms = true;
  readonly entered: (readonly StageDuration<EntryStage>[])[] = [];
  readonly #stop = new AbortController();
  readonly #work: LeaderWork;
  readonly #running: Promise<void>;

  constructor({ predecessorWritesUntil = Number.NEGATIVE_INFINITY } = {}) {
    this.cloud.balancers.push(loadBalancer({ id: 'lb-1', tags: TAGS }));
    this.#work = new LeaderWork({
      names: DEFAULT_INSTANCE,
      knowledge: this.knowledge,
      ports: this.#ports(),
      cloud: this.cloud,
      clock: this.clock,
      random: seededRandom(1),
      fence: { mayWrite: () => true },
      predecessorWritesUntil,
      log: silentLogger,
      cluster: 'c1',
      vpcId: 'vpc-1',
      healthCheck: undefined,
      policy: { existing: 'any', clusterName: 'default' },
      settleMs: 0,
      drainNodeOn: new Set(['shutdown']),
      limits: DEFAULT_PLAN_LIMITS,
      timing: DEFAULT_LANE_TIMING,
      tkeController: () => false,
      observer: { ...noObserver, podEntered: stages => this.entered.push(stages) },
    });
    this.#running = this.#work.run(this.#stop.signal);
    this.#beat();
  }

  /** The agent of node n1 goes on speaking. */
  #beat(): void {
    if (this.knowledge.store.nodes.has('n1')) this.hear({ type: 'heard', node: 'n1', session: 's' });
    if (!this.#stop.signal.aborted) this.clock.schedule(HEARTBEAT_MS, () => this.#beat());
  }

  #ports(): LeaderPorts {
    const note = (text: string) => {
      if (this.log.at(-1) !== text) this.log.push(text);
    };
    return {
      dropGate: () => undefined,
      writeGate: ({ record }, { open, reason }) => {
        note(`gate of ${record.uid} ${open ? 'open' : 'closed'}: ${reason}`);
        if (open) this.clock.schedule(GATE_WRITE_MS, () => this.#work.gateOpened(record.uid));
      },
      claimService: (service, change) => this.#claim(service, change),
      findInstance: node => this.#work.instanceFound(node, `ins-${node}`),
      releaseService: ({ name }) => note(`Service ${name} released`),
      writeStatus: () => undefined,
      reportProblem: (_, { code }) => note(code),
      reportReplica: ({ code }) => note(code),
      reportPod: ({ uid }, { code }) => note(`${code} on Pod ${uid}`),
      reportOwner: ({ uid }, problemOf) => note(`${problemOf(OWNER).code} on the owner of Pod ${uid}`),
      reportNode: (node, { code, message }) =>
        note(`${code} on node ${node}: ${message.includes('no longer') ? 'stays' : 'leaves'}`),
      probe: async () => 'unanswered',
      sendDrainUpdate: (_, { podUid, state }) => note(`drain of ${podUid}: ${DRAIN_STATES[state]}`),
      confirm: ({ record }) => {
        if (this.confirms) this.#work.confirmed(record.uid);
      },
      prove: ({ podUid }) => {
        const known = this.knowledge.store.pods.get(podUid);
        if (known) this.knowledge.store.placed(podUid, known.node, this.clock.now());
      },
      readSecret: () => undefined,
      writeConfig: () => undefined,
      listServices: namespace => {
        if (this.listed)
          this.#work.servicesListed(namespace, {
            startedAt: this.clock.now(),
            services: this.listed,
            ingresses: [],
          });
      },
    };
  }

  /** What the API server would have of the Service after it was claimed. */
  #claim(service: OwnerRecord, { add, drop }: Parameters<LeaderPorts['claimService']>[1]): void {
    const key = `${service.namespace}/${service.name}`;
    const known = this.knowledge.services.get(key);
    if (!known) return;
    const present = { loadBalancers: known.recorded, adoptedListeners: known.adopted };
    const { loadBalancers: recorded, adoptedListeners: adopted } = changedRecord(present, add, drop);
    const item = { ...known, finalized: true, recorded, adopted };
    if (isDeepStrictEqual(item, known)) return;
    if (!known.finalized) this.#work.finalized(known.uid);
    this.#lists += 1;
    const resourceVersion = String(this.#lists);
    this.knowledge.services.apply({ type: 'applied', key, item: { ...item, resourceVersion }, resourceVersion });
  }

  async services(...services: ServiceRecord[]): Promise<void> {
    this.listed = services;
    this.#lists += 1;
    const resourceVersion = String(this.#lists);
    const items = new Map(
      services.map(service => [`${service.namespace}/${service.name}`, { ...service, resourceVersion }]),
    );
    this.knowledge.services.replace(items);
    this.knowledge.ingresses.replace(new Map());
    this.knowledge.tkeServiceConfigs.replace(new Map());
    await this.goOn();
  }

  async report(...pods: PodRecord[]): Promise<void> {
    const now = this.clock.now();
    this.knowledge.applyReport({ type: 'snapshot', node: 'n1', session: 's', epoch: 'e', pods, consistent: true }, now);
    await this.goOn();
  }

  /** A write to the Pod found that the API server has it no more. */
  miss(podUid: string): void {
    this.#work.podNotFound(podUid, 'missed');
  }

  hear(event: ReportEvent): void {
    this.knowledge.applyReport(event, this.clock.now());
  }

  /** Long enough for everything to settle. */
  async goOn(): Promise<void> {
    await this.clock.advance(20_000);
  }

  /** What closed gates wait for. */
  get gateWaits() {
    return [...this.#work.gateWaits()].map(({ reason }) => reason);
  }

  get mismatched() {
    return [...this.#work.mismatched()].map(({ kind }) => kind);
  }

  get writes(): string[] {
    return [...this.cloud.writes.map(({ kind, keys }) => `${kind} ${keys.join(',')}`), ...this.cloud.balancerWrites];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(10_000);
    await this.#running;
  }
}
