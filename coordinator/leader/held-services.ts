import type { OwnerRecord } from '../kube/owner-record.ts';

/**
 * The Services and Ingresses that this term has read, from the API server itself, with our finalizer on them. What the watch tells may
 * be older than the term: the leader before may have let such a Service go, and whatever was made for it would stay for
 * ever. Of a Service that stood with our finalizer after the term began, only this term can take it off. One that is being
 * deleted is not held: its record may be empty already, and then nobody would look for what is made.
 */
export class HeldServices {
  readonly #beganAt: number;
  readonly #uids = new Set<string>();
  readonly #new = new Set<string>();

  /** @param beganAt when the term began, by the monotonic clock */
  constructor(beganAt: number) {
    this.#beganAt = beganAt;
  }

  has(serviceUid: string): boolean {
    return this.#uids.has(serviceUid);
  }

  /** Takes a consistent list; `startedAt`: when it was asked for. @returns those that were not held before */
  listed({ startedAt, objects }: { startedAt: number; objects: readonly OwnerRecord[] }): readonly OwnerRecord[] {
    if (startedAt < this.#beganAt) return [];
    const news = objects.filter(({ uid, finalized, deleting }) => finalized && !deleting && !this.#uids.has(uid));
    for (const { uid } of news) this.#uids.add(uid);
    return news;
  }

  /** Whether a leader before may have made something for it: only what this term put our finalizer on is certainly new. */
  isInherited(serviceUid: string): boolean {
    return !this.#new.has(serviceUid);
  }

  /** The API server has put our finalizer, which was not there, on it for us. */
  finalized(serviceUid: string): void {
    this.#new.add(serviceUid);
  }

  /** Our finalizer is off. */
  forget(serviceUid: string): void {
    this.#uids.delete(serviceUid);
  }

  /** It is gone, or no longer ours to serve. */
  gone(serviceUid: string): void {
    this.#new.delete(serviceUid);
  }
}
