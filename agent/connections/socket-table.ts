import { hexDigit, socketAddress } from './socket-address.ts';

/** One row of `/proc/<pid>/net/{tcp,tcp6}` (proc_pid_net(5)). */
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

/** include/net/tcp_states.h, from 1. */
const STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const;
const TIME_WAIT = 6;

/** The longest row that a kernel writes has under 200 bytes; of a longer line only so many are looked at. */
const LINE_BYTES_MAX = 512;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;

/**
 * Takes a socket table apart as its bytes come, in chunks cut anywhere, and keeps the rows of some local ports that are
 * not in TIME_WAIT: a busy server has tens of thousands of those, so nothing is made of a row before its port and state
 * are known. Lines that are no rows are left out.
 */
export class SocketTableScanner {
  readonly #localPorts: readonly number[];
  readonly #rows: SocketRow[] = [];
  readonly #cursor = new LineCursor();
  /** The beginning of a line whose end has not come. */
  readonly #rest = Buffer.allocUnsafe(LINE_BYTES_MAX);
  #restLength = 0;

  constructor(localPorts: readonly number[]) {
    this.#localPorts = localPorts;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      if (this.#restLength > 0) this.#takeRest(chunk.subarray(start, end));
      else this.#takeLine(chunk, start, end);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Ends the last line. The rows found, in their order. */
  end(): readonly SocketRow[] {
    if (this.#restLength > 0) this.#takeRest(Buffer.alloc(0));
    return this.#rows;
  }

  #keep(bytes: Buffer): void {
    this.#restLength += bytes.copy(this.#rest, this.#restLength);
  }

  #takeRest(bytes: Buffer): void {
    this.#keep(bytes);
    const length = this.#restLength;
    this.#restLength = 0;
    this.#takeLine(this.#rest, 0, length);
  }

  #takeLine(bytes: Buffer, start: number, end: number): void {
    const cursor = this.#cursor.over(bytes, start, end);
    if (!cursor.skipNumberAndColon()) return;
    const local = cursor.takeEnd();
    if (local === undefined || !this.#localPorts.includes(local)) return;
    const localAddressAt = cursor.addressAt;
    const localAddressWidth = cursor.addressWidth;
    const remotePort = cursor.takeEnd();
    const state = cursor.takeHex();
    if (remotePort === undefined || state === undefined || state === TIME_WAIT) return;
    const { addressAt, addressWidth } = cursor;
    cursor.skipFields(QUEUE_AND_TIMER_FIELDS);
    const uid = cursor.takeDecimal();
    cursor.skipFields(1);
    const inode = cursor.takeDecimal();
    if (uid === undefined || inode === undefined) return;
    this.#rows.push({
      localAddress: socketAddress(bytes, localAddressAt, localAddressWidth),
      localPort: local,
      remoteAddress: socketAddress(bytes, addressAt, addressWidth),
      remotePort,
      state: STATES[state - 1] ?? `state ${state}`,
      uid,
      inode,
    });
  }
}

/** tx_queue:rx_queue, tr:tm->when and retrnsmt. */
const QUEUE_AND_TIMER_FIELDS = 3;
const IPV4_HEX = 8;
const IPV6_HEX = 32;
const PORT_HEX = 4;

/** A place in a line; moves over its fields. One cursor serves all lines, so that a line costs no allocation. */
class LineCursor {
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;
  /** Where the address of the end that was taken last stands, and its length in digits. */
  addressAt = 0;
  addressWidth = 0;

  over(bytes: Uint8Array, start: number, end: number): this {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    return this;
  }

  /** `  12: ` */
  skipNumberAndColon(): boolean {
    return this.takeDecimal() !== undefined && this.#skip(COLON);
  }

  /** The port of `0100007F:0050`, whose address is kept in `addressAt` and `addressWidth`. */
  takeEnd(): number | undefined {
    this.#skipSpaces();
    this.addressAt = this.#at;
    while (hexDigit(this.#peek()) !== undefined) this.#at += 1;
    this.addressWidth = this.#at - this.addressAt;
    if (this.addressWidth !== IPV4_HEX && this.addressWidth !== IPV6_HEX) return undefined;
    if (!this.#skip(COLON)) return undefined;
    const portAt = this.#at;
    const port = this.takeHex();
    return this.#at - portAt === PORT_HEX ? port : undefined;
  }

  takeHex(): number | undefined {
    this.#skipSpaces();
    const start = this.#at;
    let value = 0;
    for (let digit = hexDigit(this.#peek()); digit !== undefined; digit = hexDigit(this.#peek())) {
      value = value * 16 + digit;
      this.#at += 1;
    }
    return this.#at > start ? value : undefined;
  }

  takeDecimal(): number | undefined {
    this.#skipSpaces();
    const start = this.#at;
    let value = 0;
    for (let digit = hexDigit(this.#peek()); digit !== undefined && digit < 10; digit = hexDigit(this.#peek())) {
      value = value * 10 + digit;
      this.#at += 1;
    }
    return this.#at > start ? value : undefined;
  }

  skipFields(count: number): void {
    for (let field = 0; field < count; field += 1) {
      this.#skipSpaces();
      while (this.#at < this.#end && this.#peek() !== SPACE) this.#at += 1;
    }
  }

  #skip(code: number): boolean {
    if (this.#peek() !== code) return false;
    this.#at += 1;
    return true;
  }

  #skipSpaces(): void {
    while (this.#peek() === SPACE) this.#at += 1;
  }

  #peek(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined;
  }
}
