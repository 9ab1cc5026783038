import type { Clock } from '../../common/clock.ts';
import { create, patch } from '../../common/kube/client.ts';
import type { TkeServiceConfig } from '../../common/kube/objects.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { TerminalError } from '../../common/workers.ts';
import type { AutoConfig } from '../tke-service-config/auto-config.ts';
import { LatestWork } from './latest-work.ts';

export interface TkeServiceConfigWriterOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (config: string, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

const CONFIGS_MAX = 10_000;
const CONCURRENCY = 2;
const WRITE_TIMEOUT_MS = 5_000;
const BACKOFF = { initialMs: 200, maximumMs: 30_000 };
const KIND = { group: 'cloud.tencent.com', version: 'v1alpha1', resource: 'tkeserviceconfigs' };
const API_VERSIONS = { Service: 'v1', Ingress: 'networking.k8s.io/v1' } as const;
/** It is there already, has changed meanwhile, or its kind is not known here: the watch tells, and it is decided anew. */
const OVERTAKEN = new Set([404, 409]);

/** Makes and changes the TkeServiceConfigs that belong to one object each and go with it. */
export class TkeServiceConfigWriter {
  readonly #options: TkeServiceConfigWriterOptions;
  readonly #work: LatestWork<AutoConfig>;

  constructor(options: TkeServiceConfigWriterOptions) {
    this.#options = options;
    this.#work = new LatestWork<AutoConfig>({
      clock: options.clock,
      random: options.random,
      what: 'TkeServiceConfig',
      keysMax: CONFIGS_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: WRITE_TIMEOUT_MS,
      work: (config, signal) => this.#write(config, signal),
      onError: ({ owner, name }, error) => options.onError(`${owner.namespace}/${name}`, error),
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues; returns false when too many wait. */
  write(config: AutoConfig): boolean {
    return this.#work.submit(`${config.owner.namespace}/${config.name}`, config);
  }

  /** Writes until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  async #write(config: AutoConfig, signal: AbortSignal): Promise<void> {
    try {
      await this.#send(config, signal);
    } catch (error) {
      const isOvertaken = error instanceof KubeResponseError && OVERTAKEN.has(error.status);
      throw isOvertaken ? new TerminalError(String(error), { cause: error }) : error;
    }
  }

  async #send({ owner, name, known, spec }: AutoConfig, signal: AbortSignal): Promise<void> {
    const { transport } = this.#options;
    const { namespace, uid } = owner;
    if (known) {
      const path = resourcePath({ ...KIND, namespace, name });
      const metadata = { uid: known.uid, resourceVersion: known.resourceVersion };
      await patch<TkeServiceConfig>(transport, path, { type: 'merge', body: { metadata, spec } }, signal);
      return;
    }
    const kind = owner.kind ?? 'Service';
    const ownerReferences = [{ apiVersion: API_VERSIONS[kind], kind, name: owner.name, uid }];
    const type = { apiVersion: `${KIND.group}/${KIND.version}`, kind: 'TkeServiceConfig' };
    const config: TkeServiceConfig = { ...type, metadata: { name, namespace, ownerReferences }, spec };
    await create(transport, resourcePath({ ...KIND, namespace }), config, signal);
  }
}
