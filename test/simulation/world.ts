import { DEFAULT_HOOK_CALLS_MAX, runAgent } from '../../agent/agent.ts';
import { DEFAULT_DRAIN_LIMITS } from '../../agent/drain/drain-limits.ts';
import { noMetrics } from '../../agent/metrics.ts';
import type { Pod } from '../../common/kube/objects.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger, LogLevel } from '../../common/logger.ts';
import { type Random, seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { clbCloud } from '../../coordinator/cloud/clb-client.ts';
import { ClbApiError, ClbConnectionError, type ClbTransport } from '../../coordinator/cloud/transport.ts';
import { Coordinator } from '../../coordinator/coordinator.ts';
import { reviewPod } from '../../coordinator/webhook/admission.ts';
import { DEFAULT_INJECTION_POLICY } from '../../coordinator/webhook/inject.ts';
import { ClbError } from '../../sandbox/clb/clb-error.ts';
import { inProcessClb } from '../../sandbox/clb/in-process.ts';
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
import { EventLog } from './event-log.ts';
import { ModelNode } from './model-node.ts';
import { ModelServers } from './model-server.ts';
import { ReportNetwork } from './report-link.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly coordinators?: number;
  readonly clb?: (settings: ClbSettings) => ClbSettings;
}

const NAMESPACE = 'clb-direct';
const VIP_PREFIX = '10.200.0';
const KUBE_LATENCY_MS = 4;
const VPC_ID = 'vpc-simulated';

/** A process that can be ended: kindly (SIGTERM) or not at all (its loops are cut off from the world). */
export interface Process {
  readonly stop: AbortController;
  readonly done: Promise<void>;
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
  readonly coordinators: Coordinator[] = [];
  readonly processes: Process[] = [];
  readonly #options: WorldOptions;
  readonly #api: KubeApiServer;
  readonly #network: ReportNetwork;
  readonly #stop = new AbortController();
  #forks = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
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
      admissionCaller: async (_target, review) => reviewPod(review, DEFAULT_INJECTION_POLICY).body,
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
        if (method !== 'GET') this.log.add('kube', { username, method, path, body, status: response.status });
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
    this.#spawn(signal => runControllers(context, signal));
    for (let node = 1; node <= nodes; node += 1) this.#startNode(node);
    await this.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    await this.#registerWebhook();
    for (let replica = 1; replica <= coordinators; replica += 1) this.startCoordinator(replica);
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
  async request(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    contentType?: string,
  ): Promise<unknown> {
    const request = { method, path, ...(body && { body }), ...(contentType && { contentType }) };
    let settled = false;
    const response = this.kube.request(request, this.#stop.signal).finally(() => {
      settled = true;
    });
    await this.clock.advanceUntil(() => settled, 60_000);
    const { status, body: answer } = await response;
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async pods(namespace = 'default'): Promise<Pod[]> {
    const list = (await this.request('GET', `/api/v1/namespaces/${namespace}/pods`)) as { items: Pod[] };
    return list.items;
  }

  startCoordinator(replica: number): Process {
    const name = `coordinator-${replica}`;
    const { clock } = this;
    const log = this.logger(name);
    const cloud = clbCloud({
      transport: this.#clbTransport(),
      clock,
      random: this.random(),
    });
    const coordinator = new Coordinator(
      { clock, random: this.random(), kube: this.transport(name), cloud, log },
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
        healthCheck: undefined,
      },
    );
    this.coordinators.push(coordinator);
    return this.#spawn(async signal => {
      const streams = new AbortController();
      this.#network.listen(name, coordinator.reports.handle, streams.signal);
      await coordinator.run(signal);
      streams.abort();
    });
  }

  #startNode(number: number): void {
    const name = `node-${number}`;
    const containers = new ModelledRuntime({ programOf: image => this.servers.programOf(image) });
    const node = new ModelNode(containers, this.servers);
    const { clock } = this;
    const network = modelledNetwork({ clock, containers, latencyMs: 1, redirect: node.redirect });
    const address = `10.0.0.${number}`;
    this.#spawn(signal =>
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
        signal,
      ),
    );
    this.startAgent(name, node, address);
  }

  startAgent(nodeName: string, node: ModelNode, address: string): Process {
    const identity = { nodeName, podName: `agent-${nodeName}`, podUid: `agent-${nodeName}-${this.#forks}` };
    return this.#spawn(signal =>
      runAgent(
        {
          edges: {
            clock: this.clock,
            random: this.random(),
            kube: this.transport(identity.podName),
            reports: this.#network.connector(identity),
            hooks: node.hookTransport(),
            redirect: node.hookRedirect(),
            runtime: node.runtime(),
            connections: node.connections(),
            nodeAddresses: () => [address],
            log: this.logger(identity.podName),
            metrics: noMetrics(),
          },
          options: {
            nodeName,
            agentVersion: 'simulated',
            policy: { pureVpcCni: false },
            drain: DEFAULT_DRAIN_LIMITS,
            hookCallsMax: DEFAULT_HOOK_CALLS_MAX,
          },
        },
        signal,
      ),
    );
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
    this.clb.journal.onRecord(record => this.log.add('clb', record));
  }

  #spawn(run: (signal: AbortSignal) => Promise<void>): Process {
    const stop = new AbortController();
    const process = { stop, done: run(stop.signal) };
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

  #clbTransport(): ClbTransport {
    const call = inProcessClb(this.clb);
    return {
      call: async (action, parameters, signal) => {
        try {
          return await call(action, parameters, signal);
        } catch (error) {
          if (!(error instanceof ClbError)) throw error;
          if (error.code === '') throw new ClbConnectionError(action, error.message);
          throw new ClbApiError(action, error.code, error.message, error.requestId);
        }
      },
    };
  }
}

/** Errors as text: their stacks differ between processes. */
function flat(fields: object | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields ?? {}).map(([key, value]) => [key, value instanceof Error ? value.message : value]),
  );
}
