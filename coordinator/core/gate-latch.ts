import { GateState } from '../../common/pod-record.ts';
import type { PodView } from './cluster-view.ts';

/** For which set of addresses each Pod's gate was opened (law L3: it latches per UID and set of IPs). */
export class GateLatches {
  readonly #addresses = new Map<string, string>();

  /**
   * Whether the gate stays open whatever happens to rules and health. A gate that is found open counts as opened for
   * the addresses that the Pod has when it is first seen: a leader before this one opened it.
   */
  isLatched({ record }: PodView): boolean {
    const addresses = addressesOf(record.addresses);
    const known = this.#addresses.get(record.uid);
    if (known !== undefined) return known === addresses;
    if (record.gate !== GateState.OPEN) return false;
    this.#addresses.set(record.uid, addresses);
    return true;
  }

  open({ record }: PodView): void {
    this.#addresses.set(record.uid, addressesOf(record.addresses));
  }

  /** The Pod is gone. */
  forget(podUid: string): void {
    this.#addresses.delete(podUid);
  }
}

function addressesOf(addresses: readonly string[]): string {
  return addresses.length <= 1 ? (addresses[0] ?? '') : [...addresses].sort().join(' ');
}
