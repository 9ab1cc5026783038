import { isDeepStrictEqual } from 'node:util';
import type { PodRecord } from '../../common/pod-record.ts';

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

  /** Whether the Pod is still as it was confirmed; what is not is forgotten. */
  holdsFor(record: PodRecord): boolean {
    const confirmed = this.#records.get(record.uid);
    if (!confirmed) return false;
    const isHeld = isSame(confirmed, record);
    // The newest record, so that the next look is one comparison of references.
    if (isHeld) this.#records.set(record.uid, record);
    else this.#records.delete(record.uid);
    return isHeld;
  }

  /** The Pod is gone. */
  forget(podUid: string): void {
    this.#records.delete(podUid);
  }
}

function isSame(confirmed: PodRecord, record: PodRecord): boolean {
  if (confirmed === record) return true;
  // A Pod never gets an address back that it lost: fewer than were confirmed are confirmed, too.
  const known = record.addresses.every(address => confirmed.addresses.includes(address));
  return known && isDeepStrictEqual(confirmed.labels, record.labels);
}
