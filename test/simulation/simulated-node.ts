import { DEFAULT_HOOK_CALLS_MAX, runAgent } from '../../agent/agent.ts';
import { DEFAULT_DRAIN_LIMITS } from '../../agent/drain/drain-limits.ts';
import { noHealthBoard } from '../../agent/health/health.ts';
import { noMetrics } from '../../agent/metrics.ts';
import type { Clock } from '../../common/clock.ts';
import { DEFAULT_INSTANCE, type InstanceNames } from '../../common/instance-names.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import { HOOK_PORT } from '../../common/names.ts';
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
  /** Where the agents of a second instance report. */
  readonly secondNetwork: ReportNetwork | undefined;
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

/** What an agent has of its instance. */
interface AgentInstance {
  readonly names: InstanceNames;
  readonly edges: ModelNode;
  readonly network: ReportNetwork;
}

/** One machine: its containers, its kubelet and its agents. */
export class SimulatedNode {
  readonly name: string;
  readonly number: number;
  readonly containers: ModelledRuntime;
  readonly #world: NodeSurroundings;
  #signs = new ScriptedSigns();
  #edges: ModelNode;
  /** The part of a second instance. */
  #secondEdges: ModelNode | undefined;
  #kubelet: Process | undefined;
  #agents: Process[] = [];
  #tellsExits = false;

  constructor(number: number, world: NodeSurroundings) {
    this.name = `node-${number}`;
    this.number = number;
    this.#world = world;
    this.containers = new ModelledRuntime({ programOf: image => world.programOf(image) });
    this.#edges = new ModelNode(this.containers, world.servers, HOOK_PORT);
  }

  get kubelet(): Process | undefined {
    return this.#kubelet;
  }

  /** Whether its agent has a container runtime to ask, and so can prove that a coordinator here has ended. */
  get tellsExits(): boolean {
    return this.#tellsExits;
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
      this.#edges = new ModelNode(this.containers, this.#world.servers, HOOK_PORT);
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
    return this.#spawnAgent(`agent-${this.name}`, {
      names: DEFAULT_INSTANCE,
      edges: this.#edges,
      network: this.#world.network,
    });
  }

  /** The agent of a second instance, beside the other one. */
  startSecondAgent(names: InstanceNames): Process {
    const { servers, secondNetwork: network } = this.#world;
    if (!network) throw new Error('this world has one instance');
    this.#secondEdges = new ModelNode(this.containers, servers, names.hookPort);
    return this.#spawnAgent(`agent-${names.name}-${this.name}`, { names, edges: this.#secondEdges, network });
  }

  #spawnAgent(podName: string, instance: AgentInstance): Process {
    const identity = { nodeName: this.name, podName, podUid: `${podName}-${this.#world.nextIncarnation()}` };
    const runtime = this.#world.drawRuntime();
    this.#tellsExits = runtime.isReachable;
    const agent = this.#world.spawn(podName, body => this.#runAgent({ identity, runtime, ...instance }, body));
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
            redirect: (address, port) =>
              this.#edges.redirect(address, port) ?? this.#secondEdges?.redirect(address, port),
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
    {
      identity,
      runtime,
      names,
      edges,
      network,
    }: AgentInstance & { identity: AgentIdentity; runtime: ReturnType<NodeSurroundings['drawRuntime']> },
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
          reports: network.connector({ identity, process: clock, severed }),
          ...edges.agent({ clock, severed }),
          runtime: edges.runtime({ clock, log, ...runtime }),
          connections: edges.connections(),
          nodeAddresses: () => [this.address],
          nodeSigns: [this.#signs.source(() => clock.awake())],
          probes: edges.probes(address => world.isDark(address)),
          log,
          metrics: noMetrics(),
          health: noHealthBoard(),
        },
        options: {
          nodeName: this.name,
          agentVersion: 'simulated',
          policy: { pureVpcCni: 'auto' },
          names,
          drain: DEFAULT_DRAIN_LIMITS,
          hookCallsMax: DEFAULT_HOOK_CALLS_MAX,
          isProbeAllowed: () => true,
        },
      },
      stop,
    );
  }
}
