import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../common/clock.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import { readObject, writeObject } from './kube-object.ts';

/** An object with whatever fields its kind has. */
export interface StoredObject extends KubeObject {
  readonly [field: string]: unknown;
}

/** An object of ours and the part of it that we answer for. */
export interface ObjectShape {
  readonly apiVersion: string;
  readonly kind: string;
  readonly collection: string;
  readonly name: string;
  readonly namespace?: string;
  /** Our part as it should be now. */
  readonly desired: () => unknown;
  /** Our part as it is. */
  readonly observed: (found: StoredObject) => unknown;
  /** `base` with our part as desired; everything else in it stays. */
  readonly withDesired: (base: StoredObject, desired: unknown) => StoredObject;
}

export type KeptOutcome =
  | 'unchanged'
  /** It was not there, and this leader had not seen it yet. */
  | 'created'
  /** What we want of it has changed, or this leader had not seen it right yet. */
  | 'updated'
  /** Somebody deleted it. */
  | 'restored'
  /** Somebody edited our part of it. */
  | 'repaired';

export interface Kept {
  readonly outcome: KeptOutcome;
  /** Of the object that is there now. */
  readonly uid: string;
}

/** One object that a leader makes and puts right; what others put beside our part stays. */
export class KeptObject {
  readonly shape: ObjectShape;
  readonly #transport: KubeTransport;
  readonly #clock: Clock;
  /** Our part when it was last read as it should be. */
  #agreed: { readonly part: unknown } | undefined;
  /** Since when every read has shown it so. */
  #rightSince: number | undefined;

  constructor(shape: ObjectShape, { transport, clock }: { transport: KubeTransport; clock: Clock }) {
    this.shape = shape;
    this.#transport = transport;
    this.#clock = clock;
  }

  /** For how long it has been read as it should be now; not at all: less than nothing. */
  get settledMs(): number {
    const isRight = this.#rightSince !== undefined && isDeepStrictEqual(this.#agreed?.part, this.shape.desired());
    return isRight && this.#rightSince !== undefined ? this.#clock.now() - this.#rightSince : Number.NEGATIVE_INFINITY;
  }

  /** Reads it, and writes it if it is not right. @throws KubeResponseError, KubeConnectionError, or Error when another writer was faster */
  async ensure(signal: AbortSignal): Promise<Kept> {
    const { collection, name, kind, desired, observed, withDesired } = this.shape;
    const found = await readObject<StoredObject>(this.#transport, `${collection}/${name}`, signal);
    const part = desired();
    const wasAgreed = isDeepStrictEqual(this.#agreed?.part, part);
    if (found && isDeepStrictEqual(observed(found), part)) {
      if (!wasAgreed || this.#rightSince === undefined) this.#rightSince = this.#clock.now();
      this.#agreed = { part };
      return { outcome: 'unchanged', uid: found.metadata.uid ?? '' };
    }
    this.#rightSince = undefined;
    const stored = await writeObject(this.#transport, collection, withDesired(found ?? this.#fresh(), part), signal);
    if (!stored) throw new Error(`${kind} ${name} was changed by another writer at the same moment`);
    return { outcome: this.#outcomeOf(found, wasAgreed), uid: stored.metadata.uid ?? '' };
  }

  #outcomeOf(found: StoredObject | undefined, wasAgreed: boolean): KeptOutcome {
    if (!found) return this.#agreed ? 'restored' : 'created';
    return wasAgreed ? 'repaired' : 'updated';
  }

  #fresh(): StoredObject {
    const { apiVersion, kind, name, namespace } = this.shape;
    const labels = { 'app.kubernetes.io/name': 'clb-direct', 'app.kubernetes.io/managed-by': 'clb-direct' };
    return { apiVersion, kind, metadata: { name, ...(namespace && { namespace }), labels } };
  }
}
