import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import { list } from '../../common/kube/client.ts';
import type { Ingress, Service } from '../../common/kube/objects.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { type IngressRecord, ingressRecord } from './ingress-reflector.ts';
import { LatestWork } from './latest-work.ts';
import { type ServiceRecord, serviceRecord } from './service-reflector.ts';

export interface NamespaceServicesOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly names: InstanceNames;
  /** `startedAt`: monotonic time at which the request was sent; everything created before it is in the list. */
  readonly onList: (namespace: string, list: NamespaceList) => void;
  readonly onError: (namespace: string, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

export interface NamespaceList {
  readonly startedAt: number;
  readonly services: readonly ServiceRecord[];
  /** Undefined: this replica may not read them. */
  readonly ingresses: readonly IngressRecord[] | undefined;
}

const CONCURRENCY = 4;
const NAMESPACES_MAX = 10_000;
const LIST_TIMEOUT_MS = 5_000;
const BACKOFF = { initialMs: 200, maximumMs: 10_000 };
const FORBIDDEN = 403;
/** The cluster does not know the kind. */
const NOT_FOUND = 404;
/** Between the starts of two lists of one namespace. */
const LIST_INTERVAL_MS = 1_000;

/** Lists single namespaces' Services and Ingresses, consistently: only such a list proves that nothing wants a Pod (law L3). */
export class NamespaceServices {
  readonly #options: NamespaceServicesOptions;
  readonly #work: LatestWork<string>;
  readonly #startedAt = new Map<string, number>();

  constructor(options: NamespaceServicesOptions) {
    this.#options = options;
    this.#work = new LatestWork<string>({
      clock: options.clock,
      random: options.random,
      what: 'list of Services in',
      keysMax: NAMESPACES_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: LIST_TIMEOUT_MS,
      work: (namespace, signal) => this.#list(namespace, signal),
      onError: options.onError,
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues; the list comes by `onList`, begun after this call. Returns false when too many namespaces wait. */
  ask(namespace: string): boolean {
    const now = this.#options.clock.now();
    const startedAt = this.#startedAt.get(namespace) ?? Number.NEGATIVE_INFINITY;
    return this.#work.submit(namespace, namespace, Math.max(0, startedAt + LIST_INTERVAL_MS - now));
  }

  /** Lists until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  async #list(namespace: string, signal: AbortSignal): Promise<void> {
    const { transport, clock, onList } = this.#options;
    const startedAt = clock.now();
    this.#note(namespace, startedAt);
    const services = resourcePath({ version: 'v1', resource: 'services', namespace });
    const [{ items: listedServices }, ingresses] = await Promise.all([
      list<Service>(transport, services, {}, signal),
      this.#listIngresses(namespace, signal),
    ]);
    signal.throwIfAborted();
    onList(namespace, {
      startedAt,
      services: listedServices.map(service => serviceRecord(service, this.#options.names)),
      ingresses,
    });
  }

  async #listIngresses(namespace: string, signal: AbortSignal): Promise<IngressRecord[] | undefined> {
    const path = resourcePath({ group: 'networking.k8s.io', version: 'v1', resource: 'ingresses', namespace });
    try {
      return (await list<Ingress>(this.#options.transport, path, {}, signal)).items.map(ingress =>
        ingressRecord(ingress, this.#options.names),
      );
    } catch (error) {
      const status = error instanceof KubeResponseError ? error.status : undefined;
      if (status === NOT_FOUND) return [];
      if (status === FORBIDDEN) return undefined;
      throw error;
    }
  }

  /** The oldest first; what is older than the interval says nothing any more. */
  #note(namespace: string, startedAt: number): void {
    for (const [other, at] of this.#startedAt) {
      if (startedAt - at < LIST_INTERVAL_MS) break;
      this.#startedAt.delete(other);
    }
    this.#startedAt.delete(namespace);
    this.#startedAt.set(namespace, startedAt);
  }
}
