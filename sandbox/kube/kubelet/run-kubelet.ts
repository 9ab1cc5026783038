import { type Clock, sleep } from '../../../common/clock.ts';
import type { Pod } from '../../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../../common/kube/reflector.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';
import type { Random } from '../../../common/random.ts';
import { kubeClient } from '../kube-client.ts';
import { collectionPath } from '../resource-path.ts';
import { AddressPool } from './address-pool.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { eventRecorder } from './event-recorder.ts';
import { DEFAULT_TIMING, type KubeletContext, type KubeletNode, type KubeletTiming } from './kubelet-context.ts';
import type { KubeletRecord } from './kubelet-record.ts';
import { beat, HEARTBEAT_PERIOD_MS } from './node-heartbeat.ts';
import type { NodeNetwork } from './node-network.ts';
import type { PodVolumes } from './pod-volumes.ts';
import { PodWorker } from './pod-worker.ts';

const HEARTBEAT_RETRY_MS = 1_000;

export interface KubeletOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly node: KubeletNode;
  readonly containers: ContainerRuntime;
  readonly network: NodeNetwork;
  readonly volumes: PodVolumes;
  /** Default 10 s, as of the real kubelet. */
  readonly heartbeatMs?: number;
  /** Default `DEFAULT_TIMING`. */
  readonly timing?: Partial<KubeletTiming>;
  readonly log: (message: string, details?: Readonly<Record<string, unknown>>) => void;
  readonly record: (record: KubeletRecord) => void;
}

/**
 * Runs one node until `signal` aborts; resolves when its loops have stopped. Containers are left running then, as a
 * stopped kubelet leaves them; whoever owns the runtime ends them.
 */
export async function runKubelet(options: KubeletOptions, signal: AbortSignal): Promise<void> {
  const context = contextOf(options, signal);
  const pods = new NodePods(context);
  const { transport, clock, random, node, log } = options;
  const watching = runReflector<Pod, Pod>(
    {
      transport,
      clock,
      random,
      path: collectionPath('pods'),
      query: { fieldSelector: `spec.nodeName=${node.name}` },
      project: pod => pod,
      onEvent: event => pods.observe(event),
      onError: error => log('Pods could not be watched', { node: node.name, error }),
    },
    signal,
  );
  await Promise.all([watching, runHeartbeat(context, options.heartbeatMs ?? HEARTBEAT_PERIOD_MS)]);
  await pods.stopped();
}

function contextOf(options: KubeletOptions, signal: AbortSignal): KubeletContext {
  const { transport, clock, random, node, containers, network, volumes, log, record } = options;
  const base = { client: kubeClient(transport, clock), clock, random, node, log, signal };
  return {
    ...base,
    containers,
    network,
    volumes,
    timing: { ...DEFAULT_TIMING, ...options.timing },
    event: eventRecorder(base),
    record: (pod, podIp, moment) => {
      const { name: podName, namespace = 'default', uid: podUid = '' } = pod.metadata;
      record({ atMs: clock.wallNow(), nodeName: node.name, namespace, podName, podUid, podIp, ...moment });
    },
  };
}

async function runHeartbeat(context: KubeletContext, periodMs: number): Promise<void> {
  const { clock, signal, log, node } = context;
  while (!signal.aborted) {
    let pauseMs = periodMs;
    try {
      await beat(context);
    } catch (error) {
      if (!signal.aborted) log('node could not be registered', { node: node.name, error });
      pauseMs = HEARTBEAT_RETRY_MS;
    }
    await sleep(clock, pauseMs, signal).catch(() => undefined);
  }
}

/** The workers of the node's Pods, by UID. */
class NodePods {
  readonly #context: KubeletContext;
  readonly #addresses: AddressPool;
  readonly #workers = new Map<string, { readonly worker: PodWorker; readonly done: Promise<void> }>();
  /** UIDs by namespace/name, as last told. */
  readonly #uids = new Map<string, string>();

  constructor(context: KubeletContext) {
    this.#context = context;
    this.#addresses = new AddressPool(context.node.podCidr);
  }

  observe(event: ReflectorEvent<Pod>): void {
    switch (event.type) {
      case 'replaced':
        for (const key of [...this.#uids.keys()]) if (!event.items.has(key)) this.#vanish(key);
        for (const [key, pod] of event.items) this.#apply(key, pod);
        return;
      case 'applied':
        this.#apply(event.key, event.item);
        return;
      case 'deleted':
        if (event.item) this.#workers.get(event.item.metadata.uid ?? '')?.worker.update(event.item);
        this.#vanish(event.key);
        return;
      case 'progressed':
        return;
    }
  }

  async stopped(): Promise<void> {
    await Promise.all([...this.#workers.values()].map(({ done }) => done));
  }

  #apply(key: string, pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const known = this.#uids.get(key);
    if (known !== undefined && known !== uid) this.#vanish(key);
    this.#uids.set(key, uid);
    const existing = this.#workers.get(uid);
    if (existing) existing.worker.update(pod);
    else this.#begin(uid, pod);
  }

  #begin(uid: string, pod: Pod): void {
    const worker = new PodWorker({ context: this.#context, addresses: this.#addresses, pod });
    const done = worker.run().then(() => {
      this.#workers.delete(uid);
    });
    this.#workers.set(uid, { worker, done });
  }

  #vanish(key: string): void {
    const uid = this.#uids.get(key);
    this.#uids.delete(key);
    if (uid !== undefined) this.#workers.get(uid)?.worker.vanish();
  }
}
