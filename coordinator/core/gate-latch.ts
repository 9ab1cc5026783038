import { GateState } from '../../common/pod-record.ts';
import type { PodView } from './cluster-view.ts';

interface Latch {
  readonly addresses: string;
  /** The gate was opened by a leader before this one, as far as a report says. */
  readonly isFound: boolean;
}

/** For which set of addresses each Pod's gate was opened (law L3: it latches per UID and set of IPs). */
export class GateLatches {
  readonly #latches = new Map<string, Latch>();

  /**
   * Whether the gate stays open whatever happens to rules and health. A gate that is found open counts as opened for
   * the addresses that the Pod has when it is first seen: a leader before this one opened it. That leader may also have
   * shut it since, and the agent tell so only later; of a gate opened here a report is merely late.
   */
  isLatched({ record }: PodView): boolean {
    const addresses = addressesOf(record.addresses);
    const known = this.#latches.get(record.uid);
    if (known?.isFound && record.gate === GateState.CLOSED) {
      this.#latches.delete(record.uid);
      return false;
    }
    if (known) return known.addresses === addresses;
    if (record.gate !== GateState.OPEN) return false;
    this.#latches.set(record.uid, { addresses, isFound: true });
    return true;
  }

  open({ record }: PodView): void {
    this.#latches.set(record.uid, { addresses: addressesOf(record.addresses), isFound: false });
  }

  /** The Pod is gone. */
  forget(podUid: string): void {
    this.#latches.delete(podUid);
  }
}

function addressesOf(addresses: readonly string[]): string {
  return addresses.length <= 1 ? (addresses[0] ?? '') : [...addresses].sort().join(' ');
}
