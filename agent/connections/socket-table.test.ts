import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SocketRow, SocketTableScanner } from './socket-table.ts';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     ';

interface RowText {
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly uid: number;
  readonly inode: number;
}

function rowText({ local, remote, state, uid, inode }: RowText): string {
  return `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 ${inode} 1 0000000000000000 100 0 0 10 0`;
}

const row = (local: string, state = '01', inode = 4711) =>
  rowText({ local, remote: '010200C0:C001', state, uid: 33, inode });

function scan(text: string, localPorts: readonly number[], cuts: readonly number[] = []): readonly SocketRow[] {
  const scanner = new SocketTableScanner(localPorts);
  const bytes = Buffer.from(text, 'latin1');
  const ends = [...cuts.map(cut => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  ends.forEach((end, index) => {
    // A chunk's bytes are overwritten by the next one, as a reader's buffer is.
    const chunk = Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end));
    scanner.push(chunk);
    chunk.fill(0);
  });
  return scanner.end();
}

describe('a socket table', () => {
  test('gives addresses, ports, state, owner and inode', () => {
    expect(scan(`${HEADER}\n${row('0500000A:0050')}\n`, [80])).toEqual([
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
    expect(scan(row(local), [80])[0]?.localAddress).toBe(expected);
  });

  test('gives only the rows of the ports asked for, and none in TIME_WAIT', () => {
    const table = [
      HEADER,
      row('0500000A:0050', '01', 1),
      row('0500000A:0050', '06', 2),
      row('0500000A:1F90', '01', 3),
      row('0500000A:01BB', '08', 4),
    ].join('\n');
    expect(scan(table, [80, 443]).map(({ inode }) => inode)).toEqual([1, 4]);
  });

  test.each(['nonsense', '', '   1: 0500000A 010200C0:C001 01', `   1: ${'0'.repeat(5_000)}`])(
    'leaves out %j, which is no row',
    line => {
      expect(scan(`${HEADER}\n${line}\n${row('0500000A:0050')}`, [80])).toHaveLength(1);
    },
  );
});

/** The same by regular expressions, line after line. */
function scanSlowly(text: string, localPorts: readonly number[]): SocketRow[] {
  const form =
    /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) +([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) +([0-9A-F]{2}) +\S+ +\S+ +\S+ +(\d+) +\S+ +(\d+)/;
  return text.split('\n').flatMap(line => {
    const [, localAddress = '', localPort = '', remoteAddress = '', remotePort = '', state = '', uid, inode] =
      form.exec(line) ?? [];
    const port = Number.parseInt(localPort, 16);
    if (inode === undefined || state === '06' || !localPorts.includes(port)) return [];
    return {
      localAddress: slowAddress(localAddress),
      localPort: port,
      remoteAddress: slowAddress(remoteAddress),
      remotePort: Number.parseInt(remotePort, 16),
      state: SLOW_STATES[state] ?? '',
      uid: Number(uid),
      inode: Number(inode),
    };
  });
}

const SLOW_STATES: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '02': 'SYN_SENT',
  '03': 'SYN_RECV',
  '04': 'FIN_WAIT1',
  '05': 'FIN_WAIT2',
  '07': 'CLOSE',
  '08': 'CLOSE_WAIT',
  '09': 'LAST_ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING',
  '0C': 'NEW_SYN_RECV',
};

/** The URL parser writes IPv6 in its canonical form. */
function slowAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word => (word.match(/../g) ?? []).reverse());
  const isMapped = bytes.slice(0, 12).join('') === '00000000000000000000FFFF';
  if (bytes.length === 4 || isMapped) {
    return bytes
      .slice(-4)
      .map(byte => Number.parseInt(byte, 16))
      .join('.');
  }
  const groups = bytes.join('').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789ABCDEF'), minLength: length, maxLength: length });
const anyAddress = fc.oneof(
  hex(8),
  hex(32),
  hex(8).map(ipv4 => `0000000000000000FFFF0000${ipv4}`),
  fc.array(fc.constantFrom('00000000', '0000B80D'), { minLength: 4, maxLength: 4 }).map(words => words.join('')),
);
const PORTS = { '0050': 80, '01BB': 443, '1F90': 8_080 } as const;
const anyPort = fc.oneof(fc.constantFrom(...Object.keys(PORTS)), hex(4));
const anyEnd = fc.tuple(anyAddress, anyPort).map(([address, port]) => `${address}:${port}`);
const anyRow = fc
  .record({
    local: anyEnd,
    remote: anyEnd,
    state: fc.constantFrom(...Object.keys(SLOW_STATES), '06'),
    uid: fc.integer({ min: 0, max: 4_294_967_295 }),
    inode: fc.integer({ min: 0, max: 4_294_967_295 }),
  })
  .map(rowText);
const anyLine = fc.oneof(
  { weight: 6, arbitrary: anyRow },
  { weight: 1, arbitrary: fc.tuple(anyRow, fc.nat()).map(([text, cut]) => text.slice(0, cut % text.length)) },
  { weight: 1, arbitrary: fc.constantFrom('', HEADER, '  12: nonsense', 'x'.repeat(2_000)) },
);

test('however it is cut into chunks, the rows are those that a slow and simple reader finds', () => {
  fc.assert(
    fc.property(
      fc.array(anyLine, { maxLength: 30 }),
      fc.subarray(Object.values(PORTS)),
      fc.array(fc.nat(), { maxLength: 20 }),
      fc.boolean(),
      (lines, ports, cuts, endsWithNewline) => {
        const text = lines.join('\n') + (endsWithNewline ? '\n' : '');
        expect(scan(text, ports, cuts)).toEqual(scanSlowly(text, ports));
      },
    ),
    { numRuns: 1_000 },
  );
});
