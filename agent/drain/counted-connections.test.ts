import { describe, expect, test } from 'vitest';
import type { Connection } from '../connections/source.ts';
import { liveConnections, PEER_KINDS, type PeerKind } from './counted-connections.ts';

const LAYER_4 = { nodeAddresses: ['10.1.0.1'], virtualAddresses: ['203.0.113.8'] };
const LAYER_7 = { nodeAddresses: ['10.1.0.1'], virtualAddresses: [] };
const connection = (overrides: Partial<Connection>): Connection => ({
  localPort: 80,
  remoteAddress: '192.0.2.1',
  remotePort: 5,
  state: 'ESTABLISHED',
  inode: 1,
  ...overrides,
});
function kindOf(overrides: Partial<Connection>, probes = LAYER_4): PeerKind | undefined {
  const live = liveConnections([connection(overrides)], probes);
  return PEER_KINDS.find(kind => live[kind].length > 0);
}

describe('a drain waits for a connection', () => {
  test.each(['ESTABLISHED', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSING'])(
    'in state %s',
    state => {
      expect(kindOf({ state })).toBe('client');
    },
  );

  test('whose server has exited while it still sends', () => {
    expect(kindOf({ state: 'FIN_WAIT1', inode: 0 })).toBe('client');
  });

  test('from 100.64/10 when only layer 7 rules hold the Pod, whose clients come from there', () => {
    expect(kindOf({ remoteAddress: '100.64.0.3' }, LAYER_7)).toBe('client');
  });

  test.each(['100.63.255.255', '100.128.0.0'])('from %s, which is no address of CLB', remoteAddress => {
    expect(kindOf({ remoteAddress })).toBe('client');
  });
});

describe('a drain does not wait for', () => {
  test.each<[string, Partial<Connection>, PeerKind | undefined]>([
    ['an orphan in FIN_WAIT2', { state: 'FIN_WAIT2', inode: 0 }, undefined],
    ['TIME_WAIT', { state: 'TIME_WAIT' }, undefined],
    ["the kubelet's probe", { remoteAddress: '10.1.0.1' }, 'node'],
    ["a health check from the rule's VIP", { remoteAddress: '203.0.113.8' }, 'probe'],
    ['a health check from 100.64/10', { remoteAddress: '100.127.255.255' }, 'probe'],
  ])('%s', (_, overrides, kind) => {
    expect(kindOf(overrides)).toBe(kind);
  });
});
