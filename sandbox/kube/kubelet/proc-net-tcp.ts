/** The columns of /proc/net/tcp that readers look at (proc_pid_net(5)); the rest is zero. */
export interface TcpRow {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly uid: number;
  readonly inode: number;
}

const HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const ESTABLISHED = '01';

/** The table as a little-endian kernel prints it, every row established. */
export function formatTcpTable(rows: readonly TcpRow[]): string {
  const lines = rows.map((row, index) => {
    const slot = String(index).padStart(4);
    const ends = `${hexEnd(row.localAddress, row.localPort)} ${hexEnd(row.remoteAddress, row.remotePort)}`;
    const uid = String(row.uid).padStart(5);
    return `${slot}: ${ends} ${ESTABLISHED} 00000000:00000000 00:00000000 00000000 ${uid}        0 ${row.inode} 1`;
  });
  return `${[HEADER, ...lines].join('\n')}\n`;
}

function hexEnd(address: string, port: number): string {
  const octets = address.split('.').map(Number).reverse();
  return `${octets.map(octet => hex(octet, 2)).join('')}:${hex(port, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
