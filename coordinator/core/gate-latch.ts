import { GateState } from '../../common/pod-record.ts';
import type { PodView } from './cluster-view.ts';

/** Which set of addresses a Pod's gate was opened for, by Pod UID (law L3: it latches per UID and set of IPs). */
export type GateLatch = ReadonlyMap<string, string>;

/**
 * The latch after a look at all Pods: a gate that is found open counts as opened for the addresses the Pod has when it
 * is first seen; Pods that are gone are forgotten.
 */
export function refreshLatch(latch: GateLatch, pods: Iterable<PodView>): GateLatch {
  const next = new Map<string, string>();
  for (const { record } of pods) {
    const known = latch.get(record.uid);
    if (known !== undefined) next.set(record.uid, known);
    else if (record.gate === GateState.OPEN) next.set(record.uid, addressesOf(record.addresses));
  }
  return next;
}

/** Whether the gate stays open whatever happens to rules and health. */
export function isLatched(latch: GateLatch, pod: PodView): boolean {
  return latch.get(pod.record.uid) === addressesOf(pod.record.addresses);
}

export function latchOpen(latch: GateLatch, pod: PodView): GateLatch {
  return new Map(latch).set(pod.record.uid, addressesOf(pod.record.addresses));
}

function addressesOf(addresses: readonly string[]): string {
  return [...addresses].sort().join(' ');
}
