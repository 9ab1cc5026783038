import type { Clock } from '../../common/clock.ts';
import { get } from '../../common/kube/client.ts';
import type { Secret } from '../../common/kube/objects.ts';
import { secretPath } from '../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { LatestWork } from './latest-work.ts';

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** Of a Secret with the ids of a certificate; nothing else of it is kept. */
export type SecretLook =
  | { readonly kind: 'absent' }
  /** We may not read it. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'found'; readonly certificateId: string; readonly authorityId: string };

export interface SecretReaderOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly onSecret: (secret: SecretName, look: SecretLook) => void;
  readonly onError: (secret: SecretName, error: unknown) => void;
  readonly observer?: WorkQueueObserver;
}

const SECRETS_MAX = 10_000;
const CONCURRENCY = 4;
const READ_TIMEOUT_MS = 5_000;
const BACKOFF = { initialMs: 200, maximumMs: 30_000 };
const NOT_FOUND = 404;
const FORBIDDEN = 403;
/** What TKE's controller reads (tke-conventions section 1.4). */
const CERTIFICATE_KEY = 'qcloud_cert_id';
const AUTHORITY_KEY = 'qcloud_ca_cert_id';

/** Reads single Secrets when asked: those that claimed objects name, and no others, so that nobody has to let us list them. */
export class SecretReader {
  readonly #options: SecretReaderOptions;
  readonly #work: LatestWork<SecretName>;

  constructor(options: SecretReaderOptions) {
    this.#options = options;
    this.#work = new LatestWork<SecretName>({
      clock: options.clock,
      random: options.random,
      what: 'Secret',
      keysMax: SECRETS_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: READ_TIMEOUT_MS,
      work: (secret, signal) => this.#read(secret, signal),
      onError: options.onError,
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues; what is found comes by `onSecret`. Returns false when too many wait. */
  ask(secret: SecretName): boolean {
    return this.#work.submit(`${secret.namespace}/${secret.name}`, secret);
  }

  /** Reads until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  async #read(secret: SecretName, signal: AbortSignal): Promise<void> {
    const { transport, onSecret } = this.#options;
    const look = await get<Secret>(transport, secretPath(secret.namespace, secret.name), signal).then(
      secretLook,
      withoutSecret,
    );
    signal.throwIfAborted();
    onSecret(secret, look);
  }
}

function secretLook({ data }: Secret): SecretLook {
  return {
    kind: 'found',
    certificateId: decoded(data?.[CERTIFICATE_KEY]),
    authorityId: decoded(data?.[AUTHORITY_KEY]),
  };
}

function withoutSecret(error: unknown): SecretLook {
  const status = error instanceof KubeResponseError ? error.status : undefined;
  if (status === NOT_FOUND) return { kind: 'absent' };
  if (status === FORBIDDEN) return { kind: 'forbidden' };
  throw error;
}

function decoded(value: string | undefined): string {
  return Buffer.from(value ?? '', 'base64')
    .toString('utf8')
    .trim();
}
