import { isDeepStrictEqual } from 'node:util';
import { changedRecord, type RecordEntries } from '../kube/load-balancer-record.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';

/**
 * What would stand on Services and Ingresses if this replica wrote on them: our finalizer, and the record of where each
 * may have something. Whatever is decided after those are written is decided so in a rehearsal too.
 */
export class RehearsedRecords {
  readonly #records = new Map<string, RecordEntries>();

  /** Takes what would be written now. @returns whether something would be otherwise than before */
  claim(owner: OwnerRecord, { add, drop }: { readonly add: RecordEntries; readonly drop: RecordEntries }): boolean {
    const known = this.#records.get(owner.uid);
    const present = known ?? { loadBalancers: owner.recorded, adoptedListeners: owner.adopted };
    const next = changedRecord(present, add, drop);
    if (known && isDeepStrictEqual(next, known)) return false;
    this.#records.set(owner.uid, next);
    return true;
  }

  has(uid: string): boolean {
    return this.#records.has(uid);
  }

  /** The object as it would be. */
  over<T extends OwnerRecord>(owner: T): T {
    const record = this.#records.get(owner.uid);
    if (!record) return owner;
    return { ...owner, finalized: true, recorded: record.loadBalancers, adopted: record.adoptedListeners };
  }

  /** The object is gone, or everything of ours would be taken off it. */
  forget(uid: string): void {
    this.#records.delete(uid);
  }
}
