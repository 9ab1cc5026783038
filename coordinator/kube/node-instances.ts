import type { Clock } from '../../common/clock.ts';
import { get } from '../../common/kube/client.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { TerminalError } from '../../common/workers.ts';
import { LatestWork } from './latest-work.ts';

export interface NodeInstancesOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly onInstance: (node: string, instanceId: string) => void;
  readonly onError: (node: string, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

const CONCURRENCY = 4;
const NODES_MAX = 20_000;
const GET_TIMEOUT_MS = 5_000;
/** The cloud's controller names a new node a while after its first Pods run. */
const BACKOFF = { initialMs: 500, maximumMs: 30_000 };

type NodeObject = KubeObject & { readonly spec?: { readonly providerID?: string } };

/** Finds what the cloud calls a node, from the provider id that the cloud's controller gave it. */
export class NodeInstances {
  readonly #options: NodeInstancesOptions;
  readonly #work: LatestWork<string>;

  constructor(options: NodeInstancesOptions) {
    this.#options = options;
    this.#work = new LatestWork<string>({
      clock: options.clock,
      random: options.random,
      what: 'reading node',
      keysMax: NODES_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: GET_TIMEOUT_MS,
      work: (node, signal) => this.#find(node, signal),
      onError: options.onError,
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues; the answer comes by `onInstance`, as soon as there is one. Returns false when too many nodes wait. */
  ask(node: string): boolean {
    return this.#work.submit(node, node);
  }

  /** Asks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  async #find(node: string, signal: AbortSignal): Promise<void> {
    const instanceId = instanceIn(await this.#read(node, signal));
    if (instanceId === undefined) throw new Error(`node ${node} has no provider id of Tencent Cloud yet`);
    signal.throwIfAborted();
    this.#options.onInstance(node, instanceId);
  }

  async #read(node: string, signal: AbortSignal): Promise<string> {
    const path = resourcePath({ version: 'v1', resource: 'nodes', name: node });
    try {
      const { spec } = await get<NodeObject>(this.#options.transport, path, signal);
      return spec?.providerID ?? '';
    } catch (error) {
      if (!(error instanceof KubeResponseError) || error.status !== 404) throw error;
      throw new TerminalError(`node ${node} does not exist`, { cause: error });
    }
  }
}

/** `ins-…` in `qcloud:///<zone>/ins-…`, as TKE writes it. */
function instanceIn(providerId: string): string | undefined {
  return /^qcloud:\/\/.*\/(ins-[a-z0-9]+)$/.exec(providerId)?.[1];
}
