import type { Clock } from '../../common/clock.ts';
import { DEFAULT_INSTANCE, type InstanceNames } from '../../common/instance-names.ts';
import type { Pod } from '../../common/kube/objects.ts';
import type { KubeRequest, KubeResponse, KubeTransport } from '../../common/kube/transport.ts';
import type { Logger, LogLevel } from '../../common/logger.ts';
import { type Random, randomInteger, randomUuid, seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { ClbTransport } from '../../coordinator/cloud/transport.ts';
import type { Coordinator, CoordinatorOptions } from '../../coordinator/coordinator.ts';
import { reviewPod } from '../../coordinator/webhook/admission.ts';
import { DEFAULT_INJECTION_POLICY } from '../../coordinator/webhook/inject.ts';
import { UNKNOWN_SURROUNDINGS } from '../../coordinator/webhook/surroundings.ts';
import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import { ClbServer } from '../../sandbox/clb/server.ts';
import { type ClbSettings, defaultSettings, vipsOfPrefix } from '../../sandbox/clb/settings.ts';
import { type VirtualDataPlane, virtualDataPlane } from '../../sandbox/clb/virtual-data-plane.ts';
import { inProcessKubeTransport } from '../../sandbox/kube/api/in-process.ts';
import { KubeApiServer } from '../../sandbox/kube/api/kube-api-server.ts';
import { runControllers } from '../../sandbox/kube/controllers/run-controllers.ts';
import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import type { ModelledProgram } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import { ApiFaults } from './api-faults.ts';
import { clbTransport } from './clb-transport.ts';
import { EventLog } from './event-log.ts';
import type { ClbCallNote } from './evidence.ts';
import type { Link } from './link.ts';
import { ModelServers } from './model-server.ts';
import { type ApiWrite, notingApi } from './noting-api.ts';
import { type Body, type Process, startProcess } from './process/process.ts';
import { ReportNetwork } from './report-link.ts';
import { type GateFlags, simulatedCoordinator } from './simulated-coordinator.ts';
import { SimulatedNode } from './simulated-node.ts';
import { onlyRegistration, registrationOf, WEBHOOKS } from './webhook-registrations.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly coordinators?: number;
  /** Names of nodes that never have an agent, as super nodes are. */
  readonly agentless?: readonly string[];
  /** Whether agents hear of exits from their node's runtime; default: drawn for each. */
  readonly hasRuntimes?: boolean;
  readonly clb?: (settings: ClbSettings) => ClbSettings;
  /** The coordinators' flag; default `any`. */
  readonly existingLoadBalancers?: CoordinatorOptions['existingLoadBalancers'];
  /** Told of every request to the API server, watches among them. */
  readonly onApiRequest?: (username: string, request: KubeRequest, isWatch: boolean) => void;
  /** The flag of coordinators from the beginning; default `active`. */
  readonly mode?: CoordinatorOptions['mode'];
  /** The coordinators' flags about gates; by default none shuts again, and none is told or opened by time. */
  readonly gates?: GateFlags;
  /** Whether what stands at the address fails CLB's health checks though it serves. */
  readonly isSick?: (address: string) => boolean;
  /** Another instance with a coordinator, and an agent on every node; both register their webhooks as the product does. */
  readonly secondInstance?: InstanceNames;
  /** What else a replica does while it leads, made when it starts; it registers the webhook then. */
  readonly leaderDuty?: (lent: DutyEdges) => (signal: AbortSignal) => Promise<void>;
}

/** One of the instances of clb-direct in the cluster. */
interface Instance {
  readonly names: InstanceNames;
  readonly namespace: string;
  readonly network: ReportNetwork;
}

/** A replica's own. */
export interface DutyEdges {
  readonly name: string;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: KubeTransport;
  readonly logger: Logger;
}

/** As much of an Event as a person reads. */
export interface KubeEvent {
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

const NAMESPACE = 'clb-direct';
/** In its containers runs a replica. */
const COORDINATOR_IMAGE = 'coordinator:1';
const VIP_PREFIX = '10.200.0';
const KUBE_LATENCY_MS = 4;
/** Longer than any process takes to end that has nothing to wait for. */
const STOPPING_MS = 120_000;
/** What the webhook knows: that no namespace refuses hooks with a host, and of nothing that is served. */
const SURROUNDINGS = { ...UNKNOWN_SURROUNDINGS, namespace: { inject: undefined, podSecurity: undefined } };
/** Of agents. */
const RUNTIMES_MISSING_SHARE = 0.25;

export interface CoordinatorProcess extends Process {
  readonly coordinator: Coordinator;
  readonly home: CoordinatorHome;
}

/** The Pod as which a replica knows itself. */
export interface CoordinatorHome {
  readonly podName: string;
  readonly podUid: string;
  /** Undefined: no Pod of that name is in the cluster; the replica stands on a machine of which nobody hears anything. */
  readonly nodeName: string | undefined;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/**
 * The whole system in one process and in virtual time: sandbox Kubernetes, kubelets and CLB, and the product's own
 * agents and coordinators over in-process carriers. Everything that happens goes into `log`.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly log = new EventLog(this.clock);
  readonly records: KubeletRecord[] = [];
  readonly servers = new ModelServers(this.clock, this.log);
  readonly clb: ClbServer;
  readonly dataPlane: VirtualDataPlane;
  readonly kube: KubeTransport;
  /** All that were ever started. */
  readonly coordinators: CoordinatorProcess[] = [];
  /** By node, the one that was started last. */
  readonly agents = new Map<string, Process>();
  /** Everything that the cloud noted. */
  readonly journal: JournalRecord[] = [];
  readonly apiWrites: ApiWrite[] = [];
  /** Everything that the admission webhook warned of. */
  readonly warnings: string[] = [];
  readonly processes: Process[] = [];
  /** By request id, whose calls of CLB they were. */
  readonly clbCalls = new Map<string, ClbCallNote>();
  readonly nodes = new Map<string, SimulatedNode>();
  readonly network: ReportNetwork;
  /** The flag of coordinators that are started from now on. */
  mode: CoordinatorOptions['mode'];
  /** Of the API server, for the product's processes. */
  readonly apiFaults = new ApiFaults();
  readonly #second: Instance | undefined;
  readonly #options: WorldOptions;
  readonly #api: KubeApiServer;
  readonly #stop = new AbortController();
  /** Apart from `random`, whose order seeds that are known by number rely on. */
  readonly #runtimeDice: Random;
  readonly #tokenDice: Random;
  #forks = 0;
  #replicas = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.mode = options.mode ?? 'active';
    this.#runtimeDice = seededRandom(options.seed);
    this.#tokenDice = seededRandom(options.seed);
    const { clock } = this;
    const settings = defaultSettings(vipsOfPrefix(VIP_PREFIX));
    this.clb = new ClbServer({
      clock,
      random: this.random(),
      settings: options.clb?.(settings) ?? settings,
      probe: async ({ address, port }) => !options.isSick?.(address) && this.servers.at(address, port) !== undefined,
    });
    this.dataPlane = virtualDataPlane(this.clb);
    this.#api = new KubeApiServer({
      clock,
      random: this.random(),
      admissionCaller: async (target, review) => this.#admit(target, review),
    });
    this.network = new ReportNetwork(clock, this.random());
    const names = options.secondInstance;
    // The dice are thrown only where there is one.
    this.#second = names && {
      names,
      namespace: `clb-direct-${names.name}`,
      network: new ReportNetwork(clock, this.random()),
    };
    this.kube = this.transport('admin');
  }

  /** A generator of its own for each part, so that one part's draws do not shift another's. */
  random(): Random {
    this.#forks += 1;
    return seededRandom(this.#options.seed * 1_000 + this.#forks);
  }

  /** @param faults what is wrong with the server for this user */
  transport(username: string, faults?: ApiFaults): KubeTransport {
    const user = { username, groups: ['system:masters'] };
    const wallNow = () => this.clock.wallNow();
    const note = (write: ApiWrite) => {
      this.log.add('kube', write);
      this.apiWrites.push(write);
    };
    const server = notingApi({ api: this.#api, wallNow, note, faults, onRequest: this.#options.onApiRequest });
    return inProcessKubeTransport({ server, user, clock: this.clock, latencyMs: KUBE_LATENCY_MS });
  }

  async start(): Promise<void> {
    const { nodes = 3, coordinators = 2 } = this.#options;
    this.#journal();
    const { clock } = this;
    const log = (message: string, details?: object) => this.log.add('controllers', { message, ...details });
    const transport = this.transport('controllers');
    const context = { transport, clock, random: this.random(), log, makesEndpointSlices: false };
    this.#spawn('controllers', ({ stop }) => runControllers(context, stop));
    for (let number = 1; number <= nodes; number += 1) this.#startNode(number);
    for (const { namespace } of this.#instances) {
      await this.create('/api/v1/namespaces', { metadata: { name: namespace } });
      const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      await this.create(leases, { metadata: { name: 'clb-direct' } });
    }
    const registrations = this.#second ? this.#instances.map(registrationOf) : [onlyRegistration()];
    if (!this.#options.leaderDuty) for (const each of registrations) await this.create(WEBHOOKS, each);
    for (let count = 0; count < coordinators; count += 1) this.startCoordinator();
    if (this.#second) this.#startSecond(this.#second);
  }

  /** Ends everything; resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    const living = new Set(this.processes.filter(({ severedAt }) => severedAt === undefined));
    for (const process of living) {
      process.clock.wake();
      process.stop.abort();
      void process.done.then(() => living.delete(process));
    }
    await this.clock.advance(STOPPING_MS);
    for (const process of living) {
      // An agent serves as long as its node goes down and Pods are left there: what ends it is the kubelet's SIGKILL.
      if (!process.name.startsWith('agent-')) throw new Error(`${process.name} did not end when it was told to`);
      process.sever();
    }
  }

  async create(path: string, object: object): Promise<unknown> {
    return this.request('POST', path, object);
  }

  /** A request whose failure is a fault of the test. Virtual time moves on while it is under way. */
  async request(method: Method, path: string, body?: object, contentType?: string): Promise<unknown> {
    const { status, body: answer } = await this.attempt(method, path, body, contentType);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** A request that may be refused. */
  async attempt(method: Method, path: string, body?: object, contentType?: string): Promise<KubeResponse> {
    const request = { method, path, ...(body && { body }), ...(contentType && { contentType }) };
    let settled = false;
    const response = this.kube.request(request, this.#stop.signal).finally(() => {
      settled = true;
    });
    await this.clock.advanceUntil(() => settled, 60_000);
    return response;
  }

  /** A request that nobody waits for; what is not there, or not possible, stays undone. */
  send(method: Method, path: string, body?: object): void {
    const patch = method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {};
    void this.kube.request({ method, path, ...patch, ...(body && { body }) }, this.#stop.signal).catch(error => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  async pods(namespace = 'default'): Promise<Pod[]> {
    const list = (await this.request('GET', `/api/v1/namespaces/${namespace}/pods`)) as { items: Pod[] };
    return list.items;
  }

  /** Of the events of a namespace, what a person sees with `kubectl get events`. */
  async events(namespace = 'default'): Promise<readonly KubeEvent[]> {
    const list = (await this.request('GET', `/api/v1/namespaces/${namespace}/events`)) as { items: KubeEvent[] };
    return list.items;
  }

  /** The replica that holds the lease and lives; undefined while none does. */
  leader(): CoordinatorProcess | undefined {
    return this.coordinators.findLast(({ coordinator, stop }) => !stop.signal.aborted && coordinator.isLeading);
  }

  /** Another replica, under a name of its own, on a machine of which nobody hears anything. */
  startCoordinator(): CoordinatorProcess {
    this.#replicas += 1;
    const podName = `coordinator-${this.#replicas}`;
    return this.#runCoordinator({ podName, podUid: `${podName}-uid`, nodeName: undefined }, this.#first);
  }

  #startSecond(second: Instance): void {
    const podName = `coordinator-${second.names.name}`;
    this.#runCoordinator({ podName, podUid: `${podName}-uid`, nodeName: undefined }, second);
    for (const node of this.nodes.values()) node.startSecondAgent(second.names);
  }

  get #first(): Instance {
    return { names: DEFAULT_INSTANCE, namespace: NAMESPACE, network: this.network };
  }

  get #instances(): readonly Instance[] {
    return this.#second ? [this.#first, this.#second] : [this.#first];
  }

  /** Another replica in a Pod of its own: it lives and dies with its container, and comes back as `restartPolicy` says. */
  deployCoordinator(nodeName: string, restartPolicy: 'Always' | 'Never' = 'Never'): void {
    this.#replicas += 1;
    this.send('POST', `/api/v1/namespaces/${NAMESPACE}/pods`, {
      metadata: { name: `coordinator-${this.#replicas}` },
      spec: { nodeName, restartPolicy, containers: [{ name: 'coordinator', image: COORDINATOR_IMAGE }] },
    });
  }

  readonly #programOf = (image: string): ModelledProgram | undefined => {
    if (image !== COORDINATOR_IMAGE) return this.servers.programOf(image);
    return container => {
      const replica = this.#runCoordinator(container.spec, this.#first);
      container.onExit(() => replica.sever());
      container.onTerm(() => {
        replica.stop.abort();
        void replica.done.then(() => container.exit(0));
      });
    };
  };

  #runCoordinator({ podName, podUid, nodeName }: CoordinatorHome, instance: Instance): CoordinatorProcess {
    const home = { podName, podUid, nodeName };
    const earlier = this.coordinators.filter(other => other.home.podUid === podUid).length;
    const name = earlier === 0 ? podName : `${podName}-again-${earlier}`;
    let coordinator: Coordinator | undefined;
    const process = this.#spawn(name, async body => {
      coordinator = this.#makeCoordinator(name, { ...home, ...instance }, body);
      const streams = new AbortController();
      const signal = AbortSignal.any([streams.signal, body.severed]);
      instance.network.listen(name, coordinator.reports.handle, { signal, process: body.clock, nodeName });
      await coordinator.run(body.stop);
      streams.abort();
    });
    if (!coordinator) throw new Error('a process begins at once');
    const started = withCoordinator(process, { coordinator, home });
    this.coordinators.push(started);
    return started;
  }

  #makeCoordinator(name: string, home: CoordinatorHome & Instance, { clock, kube, clb }: Body): Coordinator {
    const transport = this.#notedCalls(clb);
    const { leaderDuty } = this.#options;
    const api = kube.kube(this.transport(name, this.apiFaults));
    const logger = this.logger(name);
    return simulatedCoordinator({
      names: home.names,
      name: home.podName,
      podUid: home.podUid,
      incarnation: `${this.#forks}`,
      namespace: home.namespace,
      mode: this.mode,
      existingLoadBalancers: this.#options.existingLoadBalancers ?? 'any',
      gates: this.#options.gates ?? {},
      clock,
      random: () => this.random(),
      kube: api,
      clb: transport,
      log: logger,
      // The dice are thrown only where there is a duty: seeds that are known by number rely on their order.
      alsoWhileLeading: leaderDuty?.({
        ...{ name, namespace: NAMESPACE, clock, transport: api, logger },
        random: this.random(),
      }),
    });
  }

  #notedCalls(clb: Link): ClbTransport {
    const begun = new WeakMap<object, { startedAt: number; failureToldAt: number | undefined }>();
    const inner = clbTransport(this.clb, (requestId, parameters) => {
      const process = this.processes.find(candidate => candidate.clb === clb);
      const note = begun.get(parameters);
      if (process && note) this.clbCalls.set(requestId, Object.assign(note, { process }));
    });
    const linked = clb.clb(inner);
    return {
      call: async (action, parameters, signal) => {
        const note = { startedAt: this.clock.wallNow(), failureToldAt: undefined as number | undefined };
        begun.set(parameters, note);
        try {
          return await linked.call(action, parameters, signal);
        } catch (error) {
          note.failureToldAt = this.clock.wallNow();
          throw error;
        }
      },
    };
  }

  #startNode(number: number): void {
    const node = new SimulatedNode(number, {
      clock: this.clock,
      servers: this.servers,
      programOf: this.#programOf,
      network: this.network,
      secondNetwork: this.#second?.network,
      random: () => this.random(),
      transport: username => this.transport(username, username.startsWith('agent-') ? this.apiFaults : undefined),
      logger: part => this.logger(part),
      log: (part, event) => this.log.add(part, event),
      record: record => this.#record(record),
      spawn: (name, run) => this.#spawn(name, run),
      drawRuntime: () => this.#drawRuntime(),
      isDark: address => [...this.nodes.values()].some(other => other.isDark && other.owns(address)),
      nextIncarnation: () => `${this.#forks}`,
    });
    node.boot();
    this.nodes.set(node.name, node);
    if (!this.#options.agentless?.includes(node.name)) this.startAgent(node.name);
  }

  /** Another agent on the node, which takes over the node's hook calls. */
  startAgent(nodeName: string): Process {
    const node = this.nodes.get(nodeName);
    if (!node) throw new Error(`there is no node ${nodeName}`);
    const agent = node.startAgent();
    this.agents.set(nodeName, agent);
    return agent;
  }

  /** Ends a Pod's containers as a crash does. */
  crash(podUid: string): void {
    for (const { containers } of this.nodes.values()) containers.crash(podUid);
  }

  /** The API server forgets its history: whoever watched and is cut off has to list again. */
  compactApi(): void {
    this.#api.compact();
  }

  /** Some agents have no runtime to ask and see exits on the Pod watch. */
  #drawRuntime() {
    const isDrawn = this.#runtimeDice.next() >= RUNTIMES_MISSING_SHARE;
    const isReachable = this.#options.hasRuntimes ?? isDrawn;
    const random = seededRandom(randomInteger(this.#runtimeDice, 0, 0xffff_ffff));
    return { isReachable, random };
  }

  logger(part: string): Logger {
    const write = (level: LogLevel) => (message: string, fields?: object) => {
      this.log.add(part, { level, message, ...flat(fields) });
    };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: () => this.logger(part),
    };
  }

  #record(record: KubeletRecord): void {
    this.records.push(record);
    this.log.add('kubelet', record);
  }

  #journal(): void {
    this.clb.journal.onRecord(record => {
      this.journal.push(record);
      this.log.add('clb', record);
    });
  }

  #admit({ url = '' }: { readonly url?: string }, review: unknown): unknown {
    const { names } = this.#instances.find(each => url.includes(`//${each.namespace}.`)) ?? this.#first;
    const active = { ...DEFAULT_INJECTION_POLICY, names, newToken: () => randomUuid(this.#tokenDice) };
    const policy = this.mode === 'observe' ? 'inject-nothing' : active;
    const { body } = reviewPod(review, { policy, surroundingsOf: () => SURROUNDINGS });
    if (typeof body !== 'string') this.warnings.push(...(body.response.warnings ?? []));
    return body;
  }

  #spawn(name: string, run: (body: Body) => Promise<void>): Process {
    const onSevered = () => this.log.add(name, { message: 'killed' });
    const process = startProcess({ name, clock: this.clock, onSevered, run });
    this.processes.push(process);
    return process;
  }
}

function withCoordinator(process: Process, own: Pick<CoordinatorProcess, 'coordinator' | 'home'>): CoordinatorProcess {
  return Object.defineProperties({ ...own }, Object.getOwnPropertyDescriptors(process)) as CoordinatorProcess;
}

/** Errors as text: their stacks differ between processes. */
function flat(fields: object | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields ?? {}).map(([key, value]) => [key, value instanceof Error ? value.message : value]),
  );
}
