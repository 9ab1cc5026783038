/** One row of `/proc/<pid>/net/{tcp,tcp6,udp,udp6}`. */
export interface SocketRow {
  /** An IPv4 address mapped into IPv6 reads as the IPv4 address. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The kernel's name, for example ESTABLISHED. */
  readonly state: string;
  readonly uid: number;
  /** 0 when no process owns the socket. */
  readonly inode: number;
}

/** include/net/tcp_states.h; UDP sockets are ESTABLISHED when connected, else CLOSE. */
const STATES: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '02': 'SYN_SENT',
  '03': 'SYN_RECV',
  '04': 'FIN_WAIT1',
  '05': 'FIN_WAIT2',
  '06': 'TIME_WAIT',
  '07': 'CLOSE',
  '08': 'CLOSE_WAIT',
  '09': 'LAST_ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING',
  '0C': 'NEW_SYN_RECV',
};

/** Local port and state, which stand at the same place in every row of every table. */
const ROW_HEAD = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /;
const TIME_WAIT = '06';

/** Parses such a file (proc_pid_net(5)) as a little-endian kernel writes it; lines of another form are left out. */
export function parseSocketTable(text: string): SocketRow[] {
  return text.split('\n').flatMap(line => parseRow(line) ?? []);
}

/**
 * Only the rows of these local ports, and none in TIME_WAIT: a busy server has tens of thousands of those, which cost
 * more to take apart than all the others.
 */
export function parseLiveSockets(text: string, localPorts: readonly number[]): SocketRow[] {
  const wanted = new Set(localPorts.map(port => port.toString(16).toUpperCase().padStart(4, '0')));
  const lines = text.split('\n').filter(line => {
    const [, port, state] = ROW_HEAD.exec(line) ?? [];
    return port !== undefined && state !== TIME_WAIT && wanted.has(port);
  });
  return lines.flatMap(line => parseRow(line) ?? []);
}

function parseRow(line: string): SocketRow | undefined {
  const [, local, remote, state, , , , uid, , inode] = line.trim().split(/\s+/);
  const localEnd = parseEnd(local);
  const remoteEnd = parseEnd(remote);
  if (!localEnd || !remoteEnd || state === undefined) return undefined;
  return {
    localAddress: localEnd.address,
    localPort: localEnd.port,
    remoteAddress: remoteEnd.address,
    remotePort: remoteEnd.port,
    state: STATES[state] ?? state,
    uid: Number(uid),
    inode: Number(inode),
  };
}

function parseEnd(text: string | undefined): { address: string; port: number } | undefined {
  const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text ?? '');
  if (!match?.[1] || !match[2]) return undefined;
  const bytes = networkBytes(match[1]);
  return { address: bytes.length === 4 ? bytes.join('.') : formatIpv6(bytes), port: Number.parseInt(match[2], 16) };
}

/** The kernel prints each 32-bit word of the address in the machine's byte order. */
function networkBytes(hex: string): number[] {
  const words = hex.match(/.{8}/g) ?? [];
  return words.flatMap(word => [6, 4, 2, 0].map(start => Number.parseInt(word.slice(start, start + 2), 16)));
}

/** The canonical form (RFC 5952), in which the API server writes addresses too. */
function formatIpv6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0));
  const isMapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff;
  if (isMapped) return bytes.slice(12).join('.');
  const zeros = longestZeroRun(groups);
  const write = (part: readonly number[]) => part.map(group => group.toString(16)).join(':');
  if (zeros.length < 2) return write(groups);
  return `${write(groups.slice(0, zeros.start))}::${write(groups.slice(zeros.start + zeros.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  });
  return longest;
}
