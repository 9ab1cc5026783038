import type { Pod } from '../../../common/kube/objects.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';
import { type Random, seededRandom } from '../../../common/random.ts';
import { VirtualClock } from '../../../common/virtual-clock.ts';
import { inProcessKubeTransport } from '../api/in-process.ts';
import { KubeApiServer } from '../api/kube-api-server.ts';
import { runControllers } from '../controllers/run-controllers.ts';
import { type KubeClient, kubeClient, STRATEGIC_MERGE_PATCH } from '../kube-client.ts';
import { collectionPath } from '../resource-path.ts';
import type { KubeletTiming } from './kubelet-context.ts';
import type { KubeletRecord } from './kubelet-record.ts';
import { modelledNetwork, type RedirectedCall } from './modelled-network.ts';
import { type ModelledProgram, ModelledRuntime } from './modelled-runtime.ts';
import { noVolumes } from './pod-volumes.ts';
import { runKubelet } from './run-kubelet.ts';

const PROMPT: KubeletTiming = {
  syncMs: { min: 0, max: 0 },
  statusMs: { min: 100, max: 100 },
  startMs: { min: 100, max: 100 },
};

export interface HarnessOptions {
  readonly seed?: number;
  readonly nodes?: number;
  readonly capacity?: Readonly<Record<string, string>>;
  readonly timing?: KubeletTiming;
  /** Default: an image `web` that listens on 80 at once and ends 50 ms after SIGTERM. */
  readonly programs?: Readonly<Record<string, ModelledProgram>>;
  /** Answers hook calls to Pod addresses, port 19440. */
  readonly hook?: RedirectedCall;
  readonly controllers?: boolean;
}

/** A whole cluster in virtual time for tests: API server, controllers and kubelets over modelled containers. */
export class ClusterHarness implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly records: KubeletRecord[] = [];
  readonly runtimes: ModelledRuntime[] = [];
  readonly transport: KubeTransport;
  readonly client: KubeClient;
  readonly #stop = new AbortController();
  readonly #kubelets = new Map<number, AbortController>();
  readonly #options: HarnessOptions;
  readonly #random: Random;
  readonly #running: Promise<void>[] = [];

  constructor(options: HarnessOptions = {}) {
    const { seed = 1, nodes = 1, controllers = false } = options;
    const { clock } = this;
    const random = seededRandom(seed);
    this.#options = options;
    this.#random = random;
    const server = new KubeApiServer({ clock, random });
    const user = { username: 'admin', groups: ['system:masters'] };
    this.transport = inProcessKubeTransport({ server, user, clock, latencyMs: 2 });
    this.client = kubeClient(this.transport, clock);
    const { transport } = this;
    const log = () => undefined;
    if (controllers) this.#running.push(runControllers({ transport, clock, random, log }, this.#stop.signal));
    for (let number = 1; number <= nodes; number++) this.#startNode(number);
  }

  #startNode(number: number, left?: ModelledRuntime): void {
    const { clock, transport, records } = this;
    const options = this.#options;
    const random = this.#random;
    const programs = options.programs ?? { web: webProgram(clock) };
    const containers = left ?? new ModelledRuntime({ programOf: image => programs[image] });
    if (!left) this.runtimes.push(containers);
    const redirect = (_address: string, port: number) => (port === 19440 ? options.hook : undefined);
    const stop = new AbortController();
    this.#kubelets.set(number, stop);
    const kubelet = runKubelet(
      {
        transport,
        clock,
        random,
        node: {
          name: `node${number}`,
          address: `10.0.0.${number}`,
          podCidr: `10.244.${number}.0/24`,
          providerId: `qcloud:///800001/ins-${number}`,
          capacity: { cpu: '8', memory: '16Gi', ...options.capacity },
        },
        containers,
        network: modelledNetwork({ clock, containers, latencyMs: 1, redirect }),
        volumes: noVolumes(),
        timing: options.timing ?? PROMPT,
        log: () => undefined,
        record: record => records.push(record),
      },
      AbortSignal.any([this.#stop.signal, stop.signal]),
    );
    this.#running.push(kubelet);
  }

  stopKubelet(number: number): void {
    this.#kubelets.get(number)?.abort();
  }

  /** As after a reboot: no container is left of those that ran before. */
  startKubelet(number: number): void {
    this.#startNode(number);
  }

  /** The node's containers run on meanwhile. */
  restartKubelet(number: number): void {
    this.stopKubelet(number);
    this.#startNode(number, this.runtimes[number - 1]);
  }

  /** Runs a request while virtual time goes on. */
  async perform<T>(request: (client: KubeClient, signal: AbortSignal) => Promise<T>): Promise<T> {
    const pending = request(this.client, this.#stop.signal);
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    pending.then(settle, settle);
    await this.clock.advanceUntil(() => isSettled, 1_000);
    return pending;
  }

  createPod(name: string, spec: Partial<Pod['spec']> = {}): Promise<Pod> {
    const pod = {
      metadata: { name },
      spec: { nodeName: 'node1', containers: [{ name: 'web', image: 'web' }], ...spec },
    };
    return this.perform((client, signal) => client.create<Pod>(collectionPath('pods', 'default'), pod, signal));
  }

  pod(name: string): Promise<Pod> {
    return this.perform((client, signal) => client.get<Pod>(`${collectionPath('pods', 'default')}/${name}`, signal));
  }

  async pods(): Promise<Pod[]> {
    const list = await this.perform((client, signal) => client.get<{ items: Pod[] }>(collectionPath('pods'), signal));
    return list.items;
  }

  deletePod(name: string, gracePeriodSeconds?: number): Promise<unknown> {
    const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
    const path = `${collectionPath('pods', 'default')}/${name}`;
    return this.perform((client, signal) => client.delete(path, options, signal));
  }

  setCondition(name: string, type: string, status: 'True' | 'False'): Promise<unknown> {
    const path = `${collectionPath('pods', 'default')}/${name}/status`;
    const body = { status: { conditions: [{ type, status }] } };
    return this.perform((client, signal) => client.patch(path, STRATEGIC_MERGE_PATCH, body, signal));
  }

  /** What happened to a Pod, in order: `type` or `type detail`, with milliseconds since the first of them. */
  story(podName: string, from: KubeletRecord['type'] = 'addressAssigned'): string[] {
    const own = this.records.filter(record => record.podName === podName);
    const begin = own.find(({ type }) => type === from)?.atMs ?? 0;
    return own.filter(({ atMs }) => atMs >= begin).map(record => `${Math.round(record.atMs - begin)} ${tell(record)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(0);
    await Promise.all(this.#running);
  }
}

function webProgram(clock: VirtualClock): ModelledProgram {
  return process => {
    process.listen(80);
    process.onTerm(() => clock.schedule(50, () => process.exit(0)));
  };
}

function tell(record: KubeletRecord): string {
  switch (record.type) {
    case 'signalled':
      return `${record.signal} ${record.containerName}`;
    case 'preStopBegan':
    case 'started':
      return `${record.type} ${record.containerName}`;
    case 'preStopEnded':
      return `${record.type} ${record.containerName} ${record.outcome.type}`;
    case 'exited':
      return `${record.type} ${record.containerName} ${record.exitCode}`;
    default:
      return record.type;
  }
}
