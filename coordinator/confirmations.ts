import { isDeepStrictEqual } from 'node:util';
import type { PodRecord } from '../common/pod-record.ts';
import type { StoredPod } from './core/report-store.ts';

/**
 * What the API server confirmed of which Pod (law L12). It confirmed one set of labels and addresses: an agent that
 * reports others later has to be confirmed anew.
 */
export class Confirmations {
  readonly #records = new Map<string, PodRecord>();

  /** The API server agrees with this record. */
  add(record: PodRecord): void {
    this.#records.set(record.uid, record);
  }

  /** The UIDs of the reported Pods that are still as they were confirmed; the others are forgotten. */
  current(reported: ReadonlyMap<string, StoredPod>): ReadonlySet<string> {
    for (const [uid, confirmed] of this.#records) {
      const record = reported.get(uid)?.record;
      if (!record || !isSame(confirmed, record)) this.#records.delete(uid);
      // The newest record, so that the next look is one comparison of references.
      else if (record !== confirmed) this.#records.set(uid, record);
    }
    return new Set(this.#records.keys());
  }
}

function isSame(confirmed: PodRecord, record: PodRecord): boolean {
  if (confirmed === record) return true;
  // A Pod never gets an address back that it lost: fewer than were confirmed are confirmed, too.
  const known = record.addresses.every(address => confirmed.addresses.includes(address));
  return known && isDeepStrictEqual(confirmed.labels, record.labels);
}
