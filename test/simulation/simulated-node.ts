import { DEFAULT_HOOK_CALLS_MAX, runAgent } from '../../agent/agent.ts';
import { DEFAULT_DRAIN_LIMITS } from '../../agent/drain/drain-limits.ts';
import { noHealthBoard } from '../../agent/health/health.ts';
import { noMetrics } from '../../agent/metrics.ts';
import type { Clock } from '../../common/clock.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import type { AgentIdentity } from '../../common/report-transport.ts';
import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import { modelledNetwork } from '../../sandbox/kube/kubelet/modelled-network.ts';
import { type ModelledProgram, ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import { noVolumes } from '../../sandbox/kube/kubelet/pod-volumes.ts';
import { runKubelet } from '../../sandbox/kube/kubelet/run-kubelet.ts';
import { ModelNode } from './model-node.ts';
import type { ModelServers } from './model-server.ts';
import type { Body, Process } from './process/process.ts';
import type { ReportNetwork } from './report-link.ts';
import { ScriptedSigns } from './scripted-signs.ts';

/** What the world lends to a node. */
export interface NodeSurroundings {
  readonly clock: Clock;
  readonly servers: ModelServers;
  /** What runs in a container of the image; undefined for images that do not exist. */
  programOf(image: string): ModelledProgram | undefined;
  readonly network: ReportNetwork;
  random(): Random;
  transport(username: string): KubeTransport;
  logger(part: string): Logger;
  log(part: string, event: object): void;
  record(record: KubeletRecord): void;
  spawn(name: string, run: (body: Body) => Promise<void>): Process;
  /** Of an agent's container runtime. */
  drawRuntime(): { readonly isReachable: boolean; readonly random: Random };
  /** Whether an address is on a machine that is gone. */
  isDark(address: string): boolean;
  /** Unique in this run. */
  nextIncarnation(): string;
}

/** One machine: its containers, its kubelet and its agents. */
export class SimulatedNode {
  readonly name: string;
  readonly number: number;
  readonly containers: ModelledRuntime;
  readonly #world: NodeSurroundings;
  #signs = new ScriptedSigns();
  #edges: ModelNode;
  #kubelet: Process | undefined;
  #agents: Process[] = [];

  constructor(number: number, world: NodeSurroundings) {
    this.name = `node-${number}`;
    this.number = number;
    this.#world = world;
    this.containers = new ModelledRuntime({ programOf: image => world.programOf(image) });
    this.#edges = new ModelNode(this.containers, world.servers);
  }

  get kubelet(): Process | undefined {
    return this.#kubelet;
  }

  get signs(): ScriptedSigns {
    return this.#signs;
  }

  get isDark(): boolean {
    return this.#world.network.dark.has(this.name);
  }

  /** `node-3` has 10.0.0.3. */
  get address(): string {
    return `10.0.0.${this.number}`;
  }

  /** Whether the address is the machine's or belongs to one of its Pods. */
  owns(address: string): boolean {
    return address === this.address || address.startsWith(`10.0.${this.number}.`);
  }

  /** The machine is on: its kubelet runs. */
  boot(): void {
    const { network } = this.#world;
    if (network.dark.delete(this.name)) {
      for (const route of network.routesOf(this.name)) route.cut();
      this.#edges = new ModelNode(this.containers, this.#world.servers);
      this.#signs = new ScriptedSigns();
    }
    this.#kubelet = this.#startKubelet();
  }

  /** The machine loses its power: nothing on it does anything any more, and nobody is told. */
  die(): void {
    this.#world.network.dark.add(this.name);
    for (const agent of this.#agents) agent.sever();
    this.#kubelet?.sever();
    this.#agents = [];
    this.containers.crash();
  }

  /** One more agent, which takes over the node's hook calls. */
  startAgent(): Process {
    const podName = `agent-${this.name}`;
    const identity = { nodeName: this.name, podName, podUid: `${podName}-${this.#world.nextIncarnation()}` };
    const runtime = this.#world.drawRuntime();
    const agent = this.#world.spawn(podName, body => this.#runAgent(identity, runtime, body));
    this.#agents.push(agent);
    return agent;
  }

  #startKubelet(): Process {
    const world = this.#world;
    const { name, number, address } = this;
    return world.spawn(name, ({ clock, kube, stop }) =>
      runKubelet(
        {
          transport: kube.kube(world.transport(`system:node:${name}`)),
          clock,
          random: world.random(),
          node: {
            name,
            address,
            podCidr: `10.0.${number}.0/24`,
            providerId: `qcloud:///100001/ins-${number}`,
            capacity: { cpu: '8', memory: '16Gi', 'tke.cloud.tencent.com/eni-ip': '60' },
          },
          containers: this.containers,
          network: modelledNetwork({
            clock,
            containers: this.containers,
            latencyMs: 1,
            redirect: this.#edges.redirect,
          }),
          volumes: noVolumes(),
          log: (message, details) => world.log(name, { message, ...details }),
          record: record => world.record(record),
        },
        stop,
      ),
    );
  }

  #runAgent(
    identity: AgentIdentity,
    runtime: ReturnType<NodeSurroundings['drawRuntime']>,
    { clock, kube, severed, stop }: Body,
  ): Promise<void> {
    const world = this.#world;
    const log = world.logger(identity.podName);
    return runAgent(
      {
        edges: {
          clock,
          random: world.random(),
          kube: kube.kube(world.transport(identity.podName)),
          reports: world.network.connector({ identity, process: clock, severed }),
          ...this.#edges.agent({ clock, severed }),
          runtime: this.#edges.runtime({ clock, log, ...runtime }),
          connections: this.#edges.connections(),
          nodeAddresses: () => [this.address],
          nodeSigns: [this.#signs.source(() => clock.awake())],
          probes: this.#edges.probes(address => world.isDark(address)),
          log,
          metrics: noMetrics(),
          health: noHealthBoard(),
        },
        options: {
          nodeName: this.name,
          agentVersion: 'simulated',
          policy: { pureVpcCni: 'auto' },
          drain: DEFAULT_DRAIN_LIMITS,
          hookCallsMax: DEFAULT_HOOK_CALLS_MAX,
          isProbeAllowed: () => true,
        },
      },
      stop,
    );
  }
}
