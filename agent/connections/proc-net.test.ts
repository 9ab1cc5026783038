import { describe, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import { selectConnections } from './proc-connections.ts';
import { parseLiveSockets, parseSocketTable } from './proc-net.ts';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     ';
const row = (local: string, remote: string, state: string, uid = 0, inode = 4711) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${String(uid).padStart(4)}        0 ${inode} 1 0000000000000000 100 0 0 10 0`;

describe('a socket table', () => {
  test('gives addresses, ports, state, owner and inode', () => {
    expect(parseSocketTable(`${HEADER}\n${row('0500000A:0050', '010200C0:C001', '01', 33)}\n`)).toEqual([
      {
        localAddress: '10.0.0.5',
        localPort: 80,
        remoteAddress: '192.0.2.1',
        remotePort: 49_153,
        state: 'ESTABLISHED',
        uid: 33,
        inode: 4711,
      },
    ]);
  });

  test.each([
    ['an IPv6 address in its canonical form', 'B80D0120000000000000000001000000:0050', '2001:db8::1'],
    ['the loopback address', '00000000000000000000000001000000:0050', '::1'],
    ['no address', '00000000000000000000000000000000:0050', '::'],
    ['an address without zeros', 'B80D0120020001000400030006000500:0050', '2001:db8:1:2:3:4:5:6'],
    ['a mapped IPv4 address as IPv4', '0000000000000000FFFF00000500000A:0050', '10.0.0.5'],
  ])('gives %s', (_, local, expected) => {
    const remote = '00000000000000000000000000000000:0000';
    expect(parseSocketTable(row(local, remote, '0A'))[0]?.localAddress).toBe(expected);
  });

  test('gives only the rows of the ports asked for, and none in TIME_WAIT', () => {
    const table = [
      HEADER,
      row('0500000A:0050', '010200C0:C001', '01', 0, 1),
      row('0500000A:0050', '010200C0:C002', '06', 0, 2),
      row('0500000A:1F90', '010200C0:C003', '01', 0, 3),
      row('0500000A:01BB', '010200C0:C004', '08', 0, 4),
    ].join('\n');
    expect(parseLiveSockets(table, [80, 443]).map(({ inode }) => inode)).toEqual([1, 4]);
  });

  test('leaves out what is no row', () => {
    expect(parseSocketTable(`${HEADER}\nnonsense\n\n   1: 0500000A 010200C0:C001 01`)).toEqual([]);
  });
});

describe('connections of a Pod', () => {
  const query = { podUid: 'uid-1', addresses: ['10.0.0.5'], ports: [{ port: 80, protocol: Protocol.TCP }] };
  const select = (...rows: string[]) => selectConnections(parseSocketTable(rows.join('\n')), Protocol.TCP, query);

  test('are those on its address and target ports', () => {
    const found = select(
      row('0500000A:0050', '010200C0:C001', '04', 0, 0),
      row('0500000A:0051', '010200C0:C002', '01'),
      row('0600000A:0050', '010200C0:C003', '01'),
    );
    expect(found).toMatchObject([{ remotePort: 49_153, state: 'FIN_WAIT1', inode: 0 }]);
  });

  test.each(['0A', '06', '07'])('are not sockets in state %s', state => {
    expect(select(row('0500000A:0050', '010200C0:C001', state))).toEqual([]);
  });
});
