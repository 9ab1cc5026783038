import { isDeepStrictEqual } from 'node:util';
import { backoffBoundMs } from '../../common/backoff.ts';
import type { Clock } from '../../common/clock.ts';
import type { SecretLook, SecretName } from '../kube/secret-reader.ts';
import type { LeaderPorts } from './leader-ports.ts';

export interface CertificateShelfOptions {
  readonly clock: Clock;
  readonly ports: Pick<LeaderPorts, 'readSecret'>;
}

/**
 * A Secret in use is read again after so long: nobody tells when it changes. One that is missing is often on its way, and
 * asked for sooner at first.
 */
const READ_AGAIN = { initialMs: 1_000, maximumMs: 30_000 };
const SECRETS_MAX = 10_000;
/** How Kubernetes names Secrets: no other name is asked for. */
const SECRET_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

interface Entry {
  readonly secret: SecretName;
  readonly look: SecretLook | undefined;
  readonly askedAt: number;
  /** How often in a row it was asked for and not found. */
  readonly misses: number;
}

/** What this term has read of the Secrets that claimed objects name. */
export class CertificateShelf {
  readonly #options: CertificateShelfOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: CertificateShelfOptions) {
    this.#options = options;
  }

  /** Undefined until it was read; the first question has it read. */
  of(secret: SecretName): SecretLook | undefined {
    if (!SECRET_NAME.test(secret.name)) return { kind: 'absent' };
    const known = this.#entries.get(keyOf(secret));
    if (!known && this.#entries.size < SECRETS_MAX) this.#ask({ secret, look: undefined, misses: 0 });
    return known?.look;
  }

  /** @returns whether it is another than before */
  learn(secret: SecretName, look: SecretLook): boolean {
    const known = this.#entries.get(keyOf(secret));
    if (!known || isDeepStrictEqual(known.look, look)) return false;
    this.#entries.set(keyOf(secret), { ...known, look });
    return true;
  }

  /** Reads again what was read long ago, and forgets what nobody uses. */
  askAgain(isUsed: (secret: SecretName) => boolean): void {
    const now = this.#options.clock.now();
    for (const [key, entry] of this.#entries) {
      if (now - entry.askedAt < readAgainMs(entry)) continue;
      if (isUsed(entry.secret)) this.#ask(entry);
      else this.#entries.delete(key);
    }
  }

  #ask(entry: Omit<Entry, 'askedAt'>): void {
    const misses = entry.look && entry.look.kind !== 'found' ? entry.misses + 1 : 0;
    this.#entries.set(keyOf(entry.secret), { ...entry, misses, askedAt: this.#options.clock.now() });
    this.#options.ports.readSecret(entry.secret);
  }
}

function readAgainMs({ look, misses }: Entry): number {
  return look?.kind === 'found' ? READ_AGAIN.maximumMs : backoffBoundMs(misses, READ_AGAIN);
}

function keyOf({ namespace, name }: SecretName): string {
  return `${namespace}/${name}`;
}
