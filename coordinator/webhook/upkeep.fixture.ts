import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { KubeConnectionError, type KubeRequest, type KubeTransport } from '../../common/kube/transport.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { TestApi } from '../../sandbox/kube/api/fixtures.ts';
import type { CertificateIssuer, ServedCertificate } from './certificate-bundle.ts';
import type { CertificateTerms } from './certificate-step.ts';
import { fakeIssuer } from './issuer.fixture.ts';
import { OwnCertificates } from './own-certificates.ts';
import { Upkeep } from './upkeep.ts';

export const SECRET = '/api/v1/namespaces/clb-direct/secrets/clb-direct-tls';
export const CONFIG_MAP = '/api/v1/namespaces/clb-direct/configmaps/clb-direct-ca';
export const WEBHOOK = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/clb-direct';
const HOUR_MS = 3_600_000;
/** Short, so that a whole rotation is played in a moment. */
const TERMS: CertificateTerms = { authorityLifeMs: 90 * HOUR_MS, servingLifeMs: 9 * HOUR_MS, spreadMs: HOUR_MS };

/** An object with whatever fields. */
export type Loose = KubeObject & { readonly data: Record<string, string>; readonly [field: string]: unknown };

/** An API server in virtual time and replicas that keep up what TLS stands on. */
export class UpkeepStage {
  readonly api = new TestApi({ latencyMs: 2 });
  readonly issuer: CertificateIssuer = fakeIssuer();
  readonly replicas: StagedReplica[] = [];
  #stop = new AbortController();

  async prepare(): Promise<this> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'clb-direct' } };
    await this.settled(this.api.post('/api/v1/namespaces', namespace));
    return this;
  }

  /** A replica with a certificate, following. */
  async start({ webhookParts = 2, writes = true } = {}): Promise<StagedReplica> {
    const replica = new StagedReplica(this, { webhookParts, writes });
    this.replicas.push(replica);
    await this.settled(replica.obtain());
    replica.follow(this.#stop.signal);
    return replica;
  }

  /** Undefined when it is not there. */
  async read(path: string): Promise<Loose | undefined> {
    const { status, body } = await this.settled(this.api.get(path));
    return status === 200 ? (body as unknown as Loose) : undefined;
  }

  async edit(path: string, patch: object): Promise<void> {
    const { status } = await this.settled(this.api.patch('merge', path, patch));
    if (status !== 200) throw new Error(`${path} was not edited: ${status}`);
  }

  async remove(path: string): Promise<void> {
    await this.settled(this.api.call('DELETE', path));
  }

  /** The Events so far, as `reason: message`. */
  async events(): Promise<string[]> {
    const { body } = await this.settled(this.api.get('/api/v1/events'));
    return body.items.map(item => `${item.reason}: ${item.message}`);
  }

  /** Lets virtual time pass until the promise has settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    promise.then(done, done);
    await this.api.clock.advanceUntil(() => isDone, 60_000);
    return promise;
  }

  /** Ends every replica. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
  }
}

/** One replica's upkeep. */
export class StagedReplica {
  readonly served: ServedCertificate[] = [];
  readonly written: string[] = [];
  readonly writes: string[] = [];
  readonly requests: { readonly request: KubeRequest; readonly isWatch: boolean }[] = [];
  isReachable = true;
  isWatchable = true;
  readonly upkeep: Upkeep;
  #term: AbortController | undefined;

  constructor(
    { api, issuer, replicas }: UpkeepStage,
    { webhookParts, writes }: { webhookParts: number; writes: boolean },
  ) {
    const base = { transport: this.#transport(api.transport), namespace: 'clb-direct', clock: api.clock };
    const logger = silentLogger;
    this.upkeep = new Upkeep({
      ...base,
      names: DEFAULT_INSTANCE,
      logger,
      source: new OwnCertificates({ ...base, issuer, terms: TERMS, logger, writes }),
      random: seededRandom(replicas.length + 1),
      webhookParts,
      instance: `replica-${replicas.length}`,
      onWritten: (kind, outcome) => this.written.push(`${kind} ${outcome}`),
    });
  }

  async obtain(): Promise<ServedCertificate | undefined> {
    const certificate = await this.upkeep.obtain(new AbortController().signal);
    if (certificate) this.served.push(certificate);
    return certificate;
  }

  follow(signal: AbortSignal): void {
    void this.upkeep.follow(certificate => this.served.push(certificate), signal);
    signal.addEventListener('abort', () => this.resign());
  }

  lead(): void {
    this.#term = new AbortController();
    void this.upkeep.lead(this.#term.signal);
  }

  resign(): void {
    this.#term?.abort();
  }

  #transport(inner: KubeTransport): KubeTransport {
    return {
      request: async (request: KubeRequest, signal) => {
        if (!this.isReachable) throw new KubeConnectionError('connection refused');
        this.requests.push({ request, isWatch: false });
        if (request.method !== 'GET' && !request.path.endsWith('/events')) {
          this.writes.push(`${request.method} ${request.path}`);
        }
        return inner.request(request, signal);
      },
      watch: (request, signal) => {
        if (!this.isReachable || !this.isWatchable) throw new KubeConnectionError('connection refused');
        this.requests.push({ request, isWatch: true });
        return inner.watch(request, signal);
      },
    };
  }
}
