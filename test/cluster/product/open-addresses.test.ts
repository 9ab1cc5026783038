import { expect, test } from 'vitest';
import type { ForwardedTarget } from '../../../sandbox/clb/journal.ts';
import { openAddresses } from './open-addresses.ts';

function forwarded(sequence: number, forwarder: number, target: Pick<ForwardedTarget, 'kind' | 'weight'>) {
  const place = { listenerId: 'lbl-1', locationId: '', address: '10.0.0.1', port: 80 };
  const targets = [{ ...place, liveConnections: 0, openedConnections: 0, ...target } as ForwardedTarget];
  return { sequence, kind: 'forwarded', at: sequence, forwarder, requestId: '', targets } as const;
}

test('an address is open until every forwarder has followed', () => {
  const journal = [
    forwarded(1, 0, { kind: 'target-registered', weight: 10 }),
    forwarded(2, 1, { kind: 'target-registered', weight: 10 }),
    forwarded(3, 0, { kind: 'target-reweighted', weight: 0 }),
  ];
  expect([...openAddresses(journal)]).toEqual(['10.0.0.1']);
  expect([...openAddresses([...journal, forwarded(4, 1, { kind: 'target-deregistered', weight: 10 })])]).toEqual([]);
});
