import { type Clock, sleep } from '../../../common/clock.ts';
import type { Lease } from '../../../common/kube/objects.ts';
import {
  KubeConnectionError,
  type KubeRequest,
  type KubeResponse,
  type KubeTransport,
  type WatchEvent,
} from '../../../common/kube/transport.ts';
import type { Random } from '../../../common/random.ts';

export interface LeaseServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Share of ways that take up to 2 s instead of up to 10 ms. */
  readonly slowShare: number;
  /** Share of requests that are lost on the way there, and as much on the way back. */
  readonly lossShare: number;
}

/** For tests: an API server that stores one Lease, behind a network that delays and loses. */
export class LeaseServer implements KubeTransport {
  /** Without a holder at first; undefined: somebody deleted it. */
  lease: Lease | undefined = { metadata: { name: 'clb-direct', resourceVersion: '0' } };
  isReachable = true;
  readonly requests: KubeRequest[] = [];
  readonly #options: LeaseServerOptions;
  #version = 0;

  constructor(options: LeaseServerOptions) {
    this.#options = options;
  }

  /** What was sent is carried out even if the caller gave up meanwhile. */
  async request(request: KubeRequest, signal: AbortSignal): Promise<KubeResponse> {
    this.requests.push(request);
    const answered = this.#travelAndAnswer(structuredClone(request));
    return Promise.race([answered, aborted(signal)]);
  }

  // biome-ignore lint/correctness/useYield: an election does not watch.
  async *watch(): AsyncGenerator<WatchEvent> {
    throw new Error('an election does not watch');
  }

  async #travelAndAnswer(request: KubeRequest): Promise<KubeResponse> {
    await this.#travel();
    const response = structuredClone(this.#answer(request));
    await this.#travel();
    return response;
  }

  async #travel(): Promise<void> {
    const { clock, random, slowShare, lossShare } = this.#options;
    const latencyMaxMs = random.next() < slowShare ? 2_000 : 10;
    await sleep(clock, random.next() * latencyMaxMs, new AbortController().signal);
    if (!this.isReachable || random.next() < lossShare) throw new KubeConnectionError('lost');
  }

  #answer({ method, body }: KubeRequest): KubeResponse {
    if (method === 'GET') return this.lease ? { status: 200, body: this.lease } : failure(404, 'NotFound');
    const lease = body as Lease;
    const isCurrent = lease.metadata.resourceVersion === this.lease?.metadata.resourceVersion;
    if (!isCurrent) return failure(409, 'Conflict');
    this.#version += 1;
    this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: `${this.#version}` } };
    return { status: method === 'POST' ? 201 : 200, body: this.lease };
  }
}

function failure(status: number, reason: string): KubeResponse {
  return { status, body: { kind: 'Status', status: 'Failure', reason, code: status } };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
