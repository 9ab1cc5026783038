import type { Secret } from '../../common/kube/objects.ts';
import { secretPath } from '../../common/kube/paths.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { type CertificateIssuer, requiredNames, type ServedCertificate, secretPart } from './certificate-bundle.ts';
import type { CertificateSource } from './certificate-source.ts';
import type { Kept } from './kept-object.ts';
import { readObject } from './kube-object.ts';

export interface GivenCertificatesOptions {
  readonly transport: KubeTransport;
  readonly issuer: Pick<CertificateIssuer, 'faultOf'>;
  /** The coordinator's own. */
  readonly namespace: string;
  readonly secretName: string;
}

/** The Secret cannot be served from; the message says what it lacks. */
export class UnusableSecretError extends Error {
  override readonly name = 'UnusableSecretError';
  /** Empty when there is no Secret. */
  readonly secretUid: string;
  constructor(message: string, secretUid: string) {
    super(message);
    this.secretUid = secretUid;
  }
}

/** Certificates that the user or cert-manager keeps in a Secret (`tls.crt`, `tls.key`, `ca.crt`): read, never written. */
export class GivenCertificates implements CertificateSource {
  readonly secretName: string;
  readonly #options: GivenCertificatesOptions;
  #current: ServedCertificate | undefined;

  constructor(options: GivenCertificatesOptions) {
    this.#options = options;
    this.secretName = options.secretName;
  }

  get current(): ServedCertificate | undefined {
    return this.#current;
  }

  /** @throws UnusableSecretError, KubeResponseError, KubeConnectionError */
  async obtain(signal: AbortSignal): Promise<ServedCertificate> {
    const { transport, namespace, secretName, issuer } = this.#options;
    const secret = await readObject<Secret>(transport, secretPath(namespace, secretName), signal);
    const name = `Secret ${namespace}/${secretName} (--tls-secret)`;
    if (!secret) throw new UnusableSecretError(`${name} does not exist; make it, or leave the flag out`, '');
    const served: ServedCertificate = {
      certificatePem: secretPart(secret, 'tls.crt'),
      privateKeyPem: secretPart(secret, 'tls.key'),
      caPem: secretPart(secret, 'ca.crt'),
    };
    const fault = issuer.faultOf(served, requiredNames(namespace));
    if (fault) throw new UnusableSecretError(`${name} cannot be served: ${fault}`, secret.metadata.uid ?? '');
    this.#current = served;
    return served;
  }

  async follow(signal: AbortSignal): Promise<void> {
    await this.obtain(signal);
  }

  async lead(_settledMs: () => number, signal: AbortSignal): Promise<Kept> {
    await this.obtain(signal);
    return { outcome: 'unchanged', uid: '' };
  }
}
