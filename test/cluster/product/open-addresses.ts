import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';

/** The addresses that any forwarder of the CLB stand-in still sends new connections to, by its journal. */
export function openAddresses(journal: readonly NumberedRecord[]): ReadonlySet<string> {
  const open = new Map<string, string>();
  for (const record of journal) {
    if (record.kind !== 'forwarded') continue;
    for (const { kind, listenerId, locationId, address, port, weight } of record.targets) {
      const key = `${record.forwarder} ${listenerId} ${locationId} ${address}:${port}`;
      if (kind !== 'target-deregistered' && weight > 0) open.set(key, address);
      else open.delete(key);
    }
  }
  return new Set(open.values());
}
