import { DEFAULT_HOOK_CALLS_MAX, runAgent } from '../../agent/agent.ts';
import { DEFAULT_DRAIN_LIMITS } from '../../agent/drain/drain-limits.ts';
import { noHealthBoard } from '../../agent/health/health.ts';
import { noMetrics } from '../../agent/metrics.ts';
import type { Clock } from '../../common/clock.ts';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { silentLogger } from '../../common/logger.ts';
import { HOOK_PORT } from '../../common/names.ts';
import type { Random } from '../../common/random.ts';
import type { ReportConnector } from '../../common/report-transport.ts';
import { modelledNetwork } from '../../sandbox/kube/kubelet/modelled-network.ts';
import { type ModelledProcess, ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import { noVolumes } from '../../sandbox/kube/kubelet/pod-volumes.ts';
import { runKubelet } from '../../sandbox/kube/kubelet/run-kubelet.ts';
import { EventLog } from '../../test/simulation/event-log.ts';
import { ModelNode } from '../../test/simulation/model-node.ts';
import { ModelServers } from '../../test/simulation/model-server.ts';
import { ProcessClock } from '../../test/simulation/process/process-clock.ts';
import { modelledRuntimeSource } from './modelled-runtime-source.ts';
import { WEB_IMAGE } from './objects.ts';

export interface ScaleNodeOptions {
  readonly number: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Of its kubelet. */
  readonly kube: KubeTransport;
  readonly onStarted: (podUid: string) => void;
}

/** A kubelet renews its node's lease every 10 s; here a third as often, which the node controller just allows. */
const HEARTBEAT_MS = 30_000;
const LATENCY_MS = 1;

/**
 * A node without machine: the sandbox's kubelet over modelled containers, at a real API server, with the times that real
 * kubelets take, and the product's agent beside it. Its Pods have no connections.
 */
export class ScaleNode {
  readonly name: string;
  readonly #options: ScaleNodeOptions;
  /** Of kubelet and agent: nothing that is due fires while the node is frozen. */
  readonly #clock: ProcessClock;
  readonly #containers = new ModelledRuntime({ programOf: image => (image === WEB_IMAGE ? serve : () => undefined) });
  readonly #edges: ModelNode;

  constructor(options: ScaleNodeOptions) {
    this.name = nodeName(options.number);
    this.#options = options;
    this.#clock = new ProcessClock(options.clock);
    this.#edges = new ModelNode(this.#containers, new ModelServers(this.#clock, new EventLog(this.#clock)), HOOK_PORT);
  }

  crash(podUid: string): void {
    this.#containers.crash(podUid);
  }

  freeze(): void {
    this.#clock.freeze();
  }

  wake(): void {
    this.#clock.wake();
  }

  runKubelet(signal: AbortSignal): Promise<void> {
    const { number, kube, random, onStarted } = this.#options;
    const options = {
      transport: kube,
      clock: this.#clock,
      random,
      node: {
        name: this.name,
        address: addressOf(32, number, 1),
        podCidr: `${addressOf(64, number, 0)}/24`,
        providerId: `qcloud:///100001/ins-${number}`,
        capacity: { cpu: '8', memory: '16Gi', 'tke.cloud.tencent.com/eni-ip': '60' },
      },
      heartbeatMs: HEARTBEAT_MS,
      containers: this.#containers,
      network: modelledNetwork({
        clock: this.#clock,
        containers: this.#containers,
        latencyMs: LATENCY_MS,
        redirect: this.#edges.redirect,
      }),
      volumes: noVolumes(),
      log: (message: string, details: unknown) => console.error(`${this.name}: ${message}`, details),
      record: ({ type, podUid }: { type: string; podUid: string }) => type === 'started' && onStarted(podUid),
    };
    return runKubelet(options, signal);
  }

  runAgent(kube: KubeTransport, reports: ReportConnector, signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    const edges = {
      clock,
      random: this.#options.random,
      kube,
      reports,
      ...this.#edges.agent({ clock, severed: new AbortController().signal }),
      runtime: modelledRuntimeSource({ clock, containers: this.#containers }),
      connections: this.#edges.connections(),
      nodeAddresses: () => [addressOf(32, this.#options.number, 1)],
      nodeSigns: [],
      probes: this.#edges.probes(() => false),
      log: silentLogger,
      metrics: noMetrics(),
      health: noHealthBoard(),
    };
    const options = {
      nodeName: this.name,
      names: DEFAULT_INSTANCE,
      agentVersion: 'bench',
      policy: { pureVpcCni: 'auto' },
      drain: DEFAULT_DRAIN_LIMITS,
      hookCallsMax: DEFAULT_HOOK_CALLS_MAX,
      isProbeAllowed: () => true,
    } as const;
    return runAgent({ edges, options }, signal);
  }
}

export function nodeName(number: number): string {
  return `node-${number}`;
}

function serve(process: ModelledProcess): void {
  process.listen(80);
}

function addressOf(block: number, node: number, host: number): string {
  return `10.${block + (node >> 8)}.${node & 255}.${host}`;
}
