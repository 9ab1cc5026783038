import { GateState } from '../../common/pod-record.ts';
import type { PodView } from './cluster-view.ts';

interface Latch {
  readonly addresses: string;
  /**
   * `found`: a report says that a leader before this one opened the gate; `told`: it was opened here, and a report says so;
   * `released`: it was shut here on purpose, and reports may be late.
   */
  readonly state: 'found' | 'opened' | 'told' | 'released';
}

/** `shut`: it was opened here, and somebody has shut it since: a leader before this one, whose write came late. */
export type LatchState = 'none' | 'latched' | 'shut';

/** For which set of addresses each Pod's gate was opened (law L3: it latches per UID and set of IPs). */
export class GateLatches {
  readonly #latches = new Map<string, Latch>();

  /**
   * Whether the gate stays open whatever happens to rules and health. A gate that is found open counts as opened for
   * the addresses that the Pod has when it is first seen: a leader before this one opened it. That leader may also have
   * shut it since, and the agent tell so only later; of a gate that was opened here a report may be late.
   */
  look({ record }: PodView): LatchState {
    const { uid, gate } = record;
    const addresses = addressesOf(record.addresses);
    const known = this.#latches.get(uid);
    if (!known) {
      if (gate !== GateState.OPEN) return 'none';
      this.#latches.set(uid, { addresses, state: 'found' });
      return 'latched';
    }
    if (known.addresses !== addresses || known.state === 'released') return 'none';
    if (gate === GateState.CLOSED && known.state === 'found') {
      this.#latches.delete(uid);
      return 'none';
    }
    if (gate === GateState.CLOSED && known.state === 'told') {
      this.#latches.delete(uid);
      return 'shut';
    }
    if (gate === GateState.OPEN && known.state === 'opened') this.#latches.set(uid, { addresses, state: 'told' });
    return 'latched';
  }

  open({ record }: PodView): void {
    this.#latches.set(record.uid, { addresses: addressesOf(record.addresses), state: 'opened' });
  }

  /** The gate is latched no more: it has to earn its next opening. */
  release({ record }: PodView): void {
    this.#latches.set(record.uid, { addresses: addressesOf(record.addresses), state: 'released' });
  }

  /** The Pod is gone. */
  forget(podUid: string): void {
    this.#latches.delete(podUid);
  }
}

function addressesOf(addresses: readonly string[]): string {
  return addresses.length <= 1 ? (addresses[0] ?? '') : [...addresses].sort().join(' ');
}
