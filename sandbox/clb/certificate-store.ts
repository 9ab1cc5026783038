import type { Clock } from '../../common/clock.ts';

/** Both in PEM. */
export interface PlaneCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Certificates that are kept; the oldest goes first and is made anew when it is needed again. */
const CERTIFICATES_MAX = 500;
/** The common name where a listener names no certificate. */
const OWN_NAME = 'clb sandbox';

/** The certificates behind the ids of the account: one is made for each id, with the id as its common name. */
export class CertificateStore {
  readonly #clock: Clock;
  readonly #given: PlaneCertificate | undefined;
  readonly #made = new Map<string, Promise<PlaneCertificate>>();

  /** @param given stands for every id */
  constructor(clock: Clock, given: PlaneCertificate | undefined) {
    this.#clock = clock;
    this.#given = given;
  }

  async of(id = OWN_NAME): Promise<PlaneCertificate> {
    if (this.#given) return this.#given;
    const known = this.#made.get(id);
    if (known) return known;
    const [oldest] = this.#made.keys();
    if (this.#made.size >= CERTIFICATES_MAX && oldest !== undefined) this.#made.delete(oldest);
    const made = this.#make(id);
    this.#made.set(id, made);
    return made;
  }

  async #make(commonName: string): Promise<PlaneCertificate> {
    // Most data planes have no listener with TLS, and the library takes time and memory.
    const { createServerCertificate } = await import('../kube/api/certificates.ts');
    const wallNowMs = this.#clock.wallNow();
    return createServerCertificate({ commonName, addresses: [], names: ['localhost'], wallNowMs });
  }
}
