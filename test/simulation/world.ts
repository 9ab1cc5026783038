import { DEFAULT_HOOK_CALLS_MAX, runAgent } from '../../agent/agent.ts';
import { DEFAULT_DRAIN_LIMITS } from '../../agent/drain/drain-limits.ts';
import { noHealthBoard } from '../../agent/health/health.ts';
import { noMetrics } from '../../agent/metrics.ts';
import type { Pod } from '../../common/kube/objects.ts';
import type { KubeResponse, KubeTransport } from '../../common/kube/transport.ts';
import type { Logger, LogLevel } from '../../common/logger.ts';
import { type Random, randomInteger, seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { clbCloud } from '../../coordinator/cloud/clb-client.ts';
import { Coordinator, type CoordinatorOptions } from '../../coordinator/coordinator.ts';
import { noObserver } from '../../coordinator/observer.ts';
import { reviewPod } from '../../coordinator/webhook/admission.ts';
import { DEFAULT_INJECTION_POLICY } from '../../coordinator/webhook/inject.ts';
import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import { ClbServer } from '../../sandbox/clb/server.ts';
import { type ClbSettings, defaultSettings, vipsOfPrefix } from '../../sandbox/clb/settings.ts';
import { type VirtualDataPlane, virtualDataPlane } from '../../sandbox/clb/virtual-data-plane.ts';
import { inProcessKubeTransport } from '../../sandbox/kube/api/in-process.ts';
import { KubeApiServer } from '../../sandbox/kube/api/kube-api-server.ts';
import { runControllers } from '../../sandbox/kube/controllers/run-controllers.ts';
import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import { modelledNetwork } from '../../sandbox/kube/kubelet/modelled-network.ts';
import { ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import { noVolumes } from '../../sandbox/kube/kubelet/pod-volumes.ts';
import { runKubelet } from '../../sandbox/kube/kubelet/run-kubelet.ts';
import { clbTransport } from './clb-transport.ts';
import { EventLog } from './event-log.ts';
import { Link } from './link.ts';
import { ModelNode } from './model-node.ts';
import { ModelServers } from './model-server.ts';
import { ReportNetwork } from './report-link.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly coordinators?: number;
  /** Whether agents hear of exits from their node's runtime; default: drawn for each. */
  readonly hasRuntimes?: boolean;
  readonly clb?: (settings: ClbSettings) => ClbSettings;
  /** The coordinators' flag; default `any`. */
  readonly existingLoadBalancers?: CoordinatorOptions['existingLoadBalancers'];
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
const VIP_PREFIX = '10.200.0';
const KUBE_LATENCY_MS = 4;
/** Of agents. */
const RUNTIMES_MISSING_SHARE = 0.25;
const VPC_ID = 'vpc-simulated';

/** A process of the product. It can be ended kindly, by aborting `stop` (SIGTERM), or killed with `sever`. */
export interface Process {
  readonly name: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  /** Its ways to the API server and to CLB. */
  readonly kube: Link;
  readonly clb: Link;
  /** SIGKILL: nothing that it does has an effect from now on, its sockets break, and nobody answers for it. */
  sever(): void;
}

export interface CoordinatorProcess extends Process {
  readonly coordinator: Coordinator;
}

/** A write that the API server answered. */
export interface ApiWrite {
  /** Wall milliseconds of the answer. */
  readonly at: number;
  readonly username: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly status: number;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** What a process runs, and what it needs for it. */
interface Body {
  readonly kube: Link;
  readonly clb: Link;
  /** Aborts when the process is severed. */
  readonly severed: AbortSignal;
  /** Aborts at SIGTERM. */
  readonly stop: AbortSignal;
}

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
  readonly #options: WorldOptions;
  readonly #api: KubeApiServer;
  readonly #network: ReportNetwork;
  readonly #nodes = new Map<string, ModelNode>();
  readonly #stop = new AbortController();
  /** Apart from `random`, whose order seeds that are known by number rely on. */
  readonly #runtimeDice: Random;
  #forks = 0;
  #replicas = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#runtimeDice = seededRandom(options.seed);
    const { clock } = this;
    const settings = defaultSettings(vipsOfPrefix(VIP_PREFIX));
    this.clb = new ClbServer({
      clock,
      random: this.random(),
      settings: options.clb?.(settings) ?? settings,
      probe: async target => this.servers.at(target.address, target.port) !== undefined,
    });
    this.dataPlane = virtualDataPlane(this.clb);
    this.#api = new KubeApiServer({
      clock,
      random: this.random(),
      admissionCaller: async (_target, review) => this.#admit(review),
    });
    this.#network = new ReportNetwork(clock, this.random());
    this.kube = this.transport('admin');
  }

  /** A generator of its own for each part, so that one part's draws do not shift another's. */
  random(): Random {
    this.#forks += 1;
    return seededRandom(this.#options.seed * 1_000 + this.#forks);
  }

  transport(username: string): KubeTransport {
    const user = { username, groups: ['system:masters'] };
    const inner = inProcessKubeTransport({ server: this.#api, user, clock: this.clock, latencyMs: KUBE_LATENCY_MS });
    return {
      watch: (request, signal) => inner.watch(request, signal),
      request: async (request, signal) => {
        const response = await inner.request(request, signal);
        const { method, path, body } = request;
        const { status } = response;
        if (method === 'GET') return response;
        this.log.add('kube', { username, method, path, body, status });
        this.apiWrites.push({ at: this.clock.wallNow(), username, method, path, body, status });
        return response;
      },
    };
  }

  async start(): Promise<void> {
    const { nodes = 3, coordinators = 2 } = this.#options;
    this.#journal();
    const { clock } = this;
    const log = (message: string, details?: object) => this.log.add('controllers', { message, ...details });
    const context = { transport: this.transport('controllers'), clock, random: this.random(), log };
    this.#spawn('controllers', ({ stop }) => runControllers(context, stop));
    for (let node = 1; node <= nodes; node += 1) this.#startNode(node);
    await this.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    await this.#registerWebhook();
    for (let count = 0; count < coordinators; count += 1) this.startCoordinator();
  }

  /** Ends everything; resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const process of this.processes) process.stop.abort();
    await this.clock.advance(120_000);
    await Promise.all(this.processes.map(process => process.done));
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

  /** Another replica, under a name of its own, as a Deployment would start it. */
  startCoordinator(): CoordinatorProcess {
    this.#replicas += 1;
    const name = `coordinator-${this.#replicas}`;
    let coordinator: Coordinator | undefined;
    const process = this.#spawn(name, async body => {
      coordinator = this.#makeCoordinator(name, body);
      const streams = new AbortController();
      const listening = AbortSignal.any([streams.signal, body.severed]);
      this.#network.listen(name, coordinator.reports.handle, listening);
      await coordinator.run(body.stop);
      streams.abort();
    });
    if (!coordinator) throw new Error('a process begins at once');
    const started = Object.assign(process, { coordinator });
    this.coordinators.push(started);
    return started;
  }

  #makeCoordinator(name: string, { kube, clb }: Body): Coordinator {
    const { clock } = this;
    const log = this.logger(name);
    const cloud = clbCloud({
      transport: clb.clb(clbTransport(this.clb)),
      clock,
      random: this.random(),
    });
    return new Coordinator(
      { clock, random: this.random(), kube: kube.kube(this.transport(name)), cloud, log, observer: noObserver },
      {
        name,
        podUid: `${name}-uid`,
        incarnation: `${this.#forks}`,
        namespace: NAMESPACE,
        instance: 'simulation',
        vpcId: VPC_ID,
        leaseDurationMs: 10_000,
        renewDeadlineMs: 7_000,
        retryPeriodMs: 1_000,
        settleMs: 2_000,
        drainNodeOn: ['shutdown', 'spot-termination', 'to-be-deleted'],
        healthCheck: undefined,
        existingLoadBalancers: this.#options.existingLoadBalancers ?? 'any',
      },
    );
  }

  #startNode(number: number): void {
    const name = `node-${number}`;
    const containers = new ModelledRuntime({ programOf: image => this.servers.programOf(image) });
    const node = new ModelNode(containers, this.servers);
    const { clock } = this;
    const network = modelledNetwork({ clock, containers, latencyMs: 1, redirect: node.redirect });
    const address = addressOf(name);
    this.#spawn(name, ({ stop }) =>
      runKubelet(
        {
          transport: this.transport(`system:node:${name}`),
          clock,
          random: this.random(),
          node: {
            name,
            address,
            podCidr: `10.0.${number}.0/24`,
            providerId: `qcloud:///100001/ins-${number}`,
            capacity: { cpu: '8', memory: '16Gi', 'tke.cloud.tencent.com/eni-ip': '60' },
          },
          containers,
          network,
          volumes: noVolumes(),
          log: (message, details) => this.log.add(name, { message, ...details }),
          record: record => this.#record(record),
        },
        stop,
      ),
    );
    this.#nodes.set(name, node);
    this.startAgent(name);
  }

  /** Another agent on the node, which takes over the node's hook calls. */
  startAgent(nodeName: string): Process {
    const node = this.#nodes.get(nodeName);
    if (!node) throw new Error(`there is no node ${nodeName}`);
    const identity = { nodeName, podName: `agent-${nodeName}`, podUid: `agent-${nodeName}-${this.#forks}` };
    const runtimes = this.#drawRuntime();
    const agent = this.#spawn(identity.podName, ({ kube, severed, stop }) =>
      runAgent(
        {
          edges: {
            clock: this.clock,
            random: this.random(),
            kube: kube.kube(this.transport(identity.podName)),
            reports: this.#network.connector(identity, severed),
            ...node.agent(severed),
            runtime: node.runtime({ clock: this.clock, log: this.logger(identity.podName), ...runtimes }),
            connections: node.connections(),
            nodeAddresses: () => [addressOf(nodeName)],
            nodeSigns: [],
            probes: node.probes(),
            log: this.logger(identity.podName),
            metrics: noMetrics(),
            health: noHealthBoard(),
          },
          options: {
            nodeName,
            agentVersion: 'simulated',
            policy: { pureVpcCni: 'auto' },
            drain: DEFAULT_DRAIN_LIMITS,
            hookCallsMax: DEFAULT_HOOK_CALLS_MAX,
            isProbeAllowed: () => true,
          },
        },
        stop,
      ),
    );
    this.agents.set(nodeName, agent);
    return agent;
  }

  /** Ends a Pod's containers, which its kubelet then starts again. */
  crash(podUid: string): void {
    for (const node of this.#nodes.values()) node.crash(podUid);
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

  #admit(review: unknown): unknown {
    const { body } = reviewPod(review, DEFAULT_INJECTION_POLICY);
    if (typeof body !== 'string') this.warnings.push(...(body.response.warnings ?? []));
    return body;
  }

  #spawn(name: string, run: (body: Body) => Promise<void>): Process {
    const stop = new AbortController();
    const severed = new AbortController();
    const kube = new Link();
    const clb = new Link();
    const sever = () => {
      this.log.add(name, { message: 'killed' });
      for (const link of [kube, clb]) link.set('silent');
      severed.abort();
      stop.abort();
    };
    const done = run({ kube, clb, severed: severed.signal, stop: stop.signal });
    const process = { name, stop, done, kube, clb, sever };
    this.processes.push(process);
    return process;
  }

  async #registerWebhook(): Promise<void> {
    await this.create('/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', {
      metadata: { name: 'clb-direct' },
      webhooks: [
        {
          name: 'pods.clb-direct.io',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Ignore',
          clientConfig: { url: 'https://coordinator.simulated/mutate-pods' },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
      ],
    });
  }
}

/** `node-3` has 10.0.0.3. */
function addressOf(nodeName: string): string {
  return `10.0.0.${nodeName.slice(nodeName.lastIndexOf('-') + 1)}`;
}

/** Errors as text: their stacks differ between processes. */
function flat(fields: object | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields ?? {}).map(([key, value]) => [key, value instanceof Error ? value.message : value]),
  );
}
