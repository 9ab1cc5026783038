import { describe, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import type { Connection } from '../connections/source.ts';
import { countedConnections } from './counted-connections.ts';

const LAYER_4 = { nodeAddresses: ['10.1.0.1'], virtualAddresses: ['203.0.113.8'] };
const LAYER_7 = { nodeAddresses: ['10.1.0.1'], virtualAddresses: [] };
const connection = (overrides: Partial<Connection>): Connection => ({
  protocol: Protocol.TCP,
  localPort: 80,
  remoteAddress: '192.0.2.1',
  remotePort: 5,
  state: 'ESTABLISHED',
  inode: 1,
  ...overrides,
});
const isCounted = (overrides: Partial<Connection>, probes = LAYER_4) =>
  countedConnections([connection(overrides)], probes).length === 1;

describe('a drain waits for a connection', () => {
  test.each(['ESTABLISHED', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', 'CLOSE_WAIT', 'LAST_ACK', 'CLOSING'])(
    'in state %s',
    state => {
      expect(isCounted({ state })).toBe(true);
    },
  );

  test('whose server has exited while it still sends', () => {
    expect(isCounted({ state: 'FIN_WAIT1', inode: 0 })).toBe(true);
  });

  test('from 100.64/10 when only layer 7 rules hold the Pod, whose clients come from there', () => {
    expect(isCounted({ remoteAddress: '100.64.0.3' }, LAYER_7)).toBe(true);
  });

  test.each(['100.63.255.255', '100.128.0.0'])('from %s, which is no address of CLB', remoteAddress => {
    expect(isCounted({ remoteAddress })).toBe(true);
  });
});

describe('a drain does not wait for', () => {
  test.each<[string, Partial<Connection>]>([
    ['an orphan in FIN_WAIT2', { state: 'FIN_WAIT2', inode: 0 }],
    ['TIME_WAIT', { state: 'TIME_WAIT' }],
    ["the kubelet's probe", { remoteAddress: '10.1.0.1' }],
    ["a health check from the rule's VIP", { remoteAddress: '203.0.113.8' }],
    ['a health check from 100.64/10', { remoteAddress: '100.127.255.255' }],
    ['a UDP socket', { protocol: Protocol.UDP }],
  ])('%s', (_, overrides) => {
    expect(isCounted(overrides)).toBe(false);
  });
});
