import type { Clock } from '../../common/clock.ts';
import type { Secret } from '../../common/kube/objects.ts';
import { secretPath } from '../../common/kube/paths.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import {
  bundleFromSecret,
  type CertificateBundle,
  type CertificateIssuer,
  SECRET_NAME,
  secretData,
  servingNames,
} from './certificate-bundle.ts';
import { afterStep, newBundle, trustedCount } from './certificate-issue.ts';
import type { CertificateSource } from './certificate-source.ts';
import { type CertificateTerms, nextStep } from './certificate-step.ts';
import type { Kept } from './kept-object.ts';
import { readObject, writeObject } from './kube-object.ts';

/** Each round either finds good certificates or lost a race for writing them. */
const ROUNDS_MAX = 5;
const LABELS = { 'app.kubernetes.io/name': 'clb-direct', 'app.kubernetes.io/managed-by': 'clb-direct' };

export interface OwnCertificatesOptions {
  readonly transport: KubeTransport;
  readonly issuer: CertificateIssuer;
  /** The coordinator's own. */
  readonly namespace: string;
  readonly terms: CertificateTerms;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False: where there are none, this replica serves with its own, which nobody else knows; true unless told. */
  readonly writes?: boolean;
}

/**
 * One CA and one serving certificate for all replicas, in a Secret. Whichever replica comes first makes them; from then
 * on the leader alone writes, and the others serve what they read.
 */
export class OwnCertificates implements CertificateSource {
  readonly secretName = SECRET_NAME;
  readonly #options: OwnCertificatesOptions;
  readonly #collection: string;
  readonly #path: string;
  #current: CertificateBundle | undefined;

  constructor(options: OwnCertificatesOptions) {
    this.#options = options;
    this.#path = secretPath(options.namespace, SECRET_NAME);
    this.#collection = this.#path.slice(0, this.#path.lastIndexOf('/'));
  }

  get current(): CertificateBundle | undefined {
    return this.#current;
  }

  /**
   * Takes what the Secret holds, however old; makes it anew only if it cannot be used at all.
   * @throws KubeResponseError, KubeConnectionError, or Error when other writers won every round.
   */
  async obtain(signal: AbortSignal): Promise<CertificateBundle> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { found, usable } = await this.#read(signal);
      if (usable) return usable.bundle;
      if (this.#options.writes === false) return await this.#ownBundle();
      await this.#write(found, await newBundle(this.#issueOptions()), signal);
    }
    const secret = `${this.#options.namespace}/${SECRET_NAME}`;
    throw new Error(`Secret ${secret} was changed by others in each of ${ROUNDS_MAX} rounds; look who writes it`);
  }

  async #ownBundle(): Promise<CertificateBundle> {
    this.#current = await newBundle(this.#issueOptions());
    const { logger } = this.#options;
    logger.warn('there is no Secret of certificates and none may be written: agents cannot connect yet', {
      secret: SECRET_NAME,
    });
    return this.#current;
  }

  async follow(signal: AbortSignal): Promise<void> {
    const { found, usable } = await this.#read(signal);
    if (usable) return;
    const now = found ? 'holds no certificates that can be used' : 'is gone';
    const next = 'go on with those read last; the leader writes them back';
    this.#options.logger.warn(`the Secret of the certificates ${now}: ${next}`, { secret: SECRET_NAME });
  }

  async lead(settledMs: () => number, signal: AbortSignal): Promise<Kept> {
    const { clock, terms, logger } = this.#options;
    const { found, usable } = await this.#read(signal);
    if (!usable) {
      // What clients trust already costs them nothing.
      const bundle = this.#current ?? (await newBundle(this.#issueOptions()));
      const uid = await this.#writeOrThrow(found, bundle, signal);
      return { outcome: found ? 'repaired' : 'restored', uid };
    }
    const { bundle, validity } = usable;
    const trustsReplaced = trustedCount(bundle) > (bundle.next ? 2 : 1);
    const step = nextStep({ validity, trustsReplaced, nowMs: clock.wallNow(), settledMs: settledMs() }, terms);
    if (step === 'none') return { outcome: 'unchanged', uid: found.metadata.uid ?? '' };
    const uid = await this.#writeOrThrow(found, await afterStep(step, bundle, this.#issueOptions()), signal);
    logger.info('certificates moved on by a step', { secret: SECRET_NAME, step });
    return { outcome: 'updated', uid };
  }

  async #read(signal: AbortSignal) {
    const { transport, issuer, namespace } = this.#options;
    const found = await readObject<Secret>(transport, this.#path, signal);
    const bundle = found && bundleFromSecret(found);
    const validity = bundle && issuer.inspect(bundle, servingNames(namespace));
    if (!found || !bundle || !validity) return { found, usable: undefined };
    this.#current = bundle;
    return { found, usable: { bundle, validity } };
  }

  async #writeOrThrow(found: Secret | undefined, bundle: CertificateBundle, signal: AbortSignal): Promise<string> {
    const stored = await this.#write(found, bundle, signal);
    if (stored) return stored.metadata.uid ?? '';
    throw new Error(
      `Secret ${this.#options.namespace}/${SECRET_NAME} was changed by another writer at the same moment`,
    );
  }

  /** What was written counts once it is read. @returns undefined when another writer was faster */
  async #write(found: Secret | undefined, bundle: CertificateBundle, signal: AbortSignal) {
    const { transport, namespace, logger } = this.#options;
    const body: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: found?.metadata ?? { name: SECRET_NAME, namespace, labels: LABELS },
      type: found?.type ?? 'kubernetes.io/tls',
      data: secretData(bundle, found),
    };
    const stored = await writeObject(transport, this.#collection, body, signal);
    if (stored) logger.info('certificates written', { secret: SECRET_NAME, replaced: found !== undefined });
    return stored;
  }

  #issueOptions() {
    const { issuer, namespace, terms, clock } = this.#options;
    return { issuer, namespace, terms, nowMs: clock.wallNow() };
  }
}
