/**
 * Messages of the D-Bus wire protocol (dbus.freedesktop.org/doc/dbus-specification.html, "Message Protocol"): as much of
 * it as it takes to call the bus with strings and to hear single booleans and strings.
 */
export interface DbusMessage {
  readonly type: DbusMessageType;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  /** The unique name of the connection it came from, written by the bus. */
  readonly sender?: string;
  /** Of the body. */
  readonly signature: string;
  readonly body: Buffer;
  readonly isLittleEndian: boolean;
}

export type DbusMessageType = 'call' | 'return' | 'error' | 'signal' | 'unknown';

/** What came is not D-Bus, or more of it than we take: the connection cannot be used any further. */
export class DbusFormatError extends Error {
  override readonly name = 'DbusFormatError';
}

/** Everything that we ask for fits many times; the protocol itself allows 128 MiB. */
export const MESSAGE_BYTES_MAX = 65_536;

const TYPES: readonly DbusMessageType[] = ['unknown', 'call', 'return', 'error', 'signal'];
const LITTLE_ENDIAN = 'l'.charCodeAt(0);
const BIG_ENDIAN = 'B'.charCodeAt(0);
const VERSION = 1;
/** Up to and with the length of the array of header fields. */
const FIXED_BYTES = 16;
/** A call must not start a service that does not run. */
const NO_AUTO_START = 2;

type TextField = 'path' | 'interface' | 'member' | 'errorName' | 'destination' | 'sender' | 'signature';
type Field = readonly [code: number, name: TextField, signature: 's' | 'o' | 'g'];
const FIELDS: readonly Field[] = [
  [1, 'path', 'o'],
  [2, 'interface', 's'],
  [3, 'member', 's'],
  [4, 'errorName', 's'],
  [6, 'destination', 's'],
  [7, 'sender', 's'],
  [8, 'signature', 'g'],
];
const REPLY_SERIAL = 5;

/** Length of the message that begins here; undefined while fewer than 16 bytes are there. @throws DbusFormatError */
export function messageLength(bytes: Buffer): number | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const fields = readUint32(bytes, 12, isLittleEndian(bytes));
  const length = aligned(FIXED_BYTES + fields, 8) + readUint32(bytes, 4, isLittleEndian(bytes));
  if (length <= MESSAGE_BYTES_MAX) return length;
  throw new DbusFormatError(`a message of ${length} bytes, and ${MESSAGE_BYTES_MAX} is the limit`);
}

/** Takes exactly one message. @throws DbusFormatError */
export function decodeMessage(bytes: Buffer): DbusMessage {
  if (bytes[3] !== VERSION) throw new DbusFormatError(`protocol version ${bytes[3]} instead of ${VERSION}`);
  const little = isLittleEndian(bytes);
  const end = FIXED_BYTES + readUint32(bytes, 12, little);
  const header: { -readonly [Name in TextField]?: string } & { replySerial?: number } = {};
  for (const reader = new Reader(bytes, little, FIXED_BYTES); reader.offset < end; ) {
    reader.align(8);
    const code = reader.byte();
    const value = reader.value(reader.signature());
    const name = FIELDS.find(field => field[0] === code)?.[1];
    if (name && typeof value === 'string') header[name] = value;
    if (code === REPLY_SERIAL && typeof value === 'number') header.replySerial = value;
  }
  return {
    ...header,
    type: TYPES[bytes[1] ?? 0] ?? 'unknown',
    serial: readUint32(bytes, 8, little),
    signature: header.signature ?? '',
    body: bytes.subarray(aligned(end, 8)),
    isLittleEndian: little,
  };
}

export function encodeMessage(message: Omit<DbusMessage, 'isLittleEndian'>): Buffer {
  const writer = new Writer();
  for (const [code, name, signature] of FIELDS) {
    const value = message[name];
    if (value) writer.align(8).byte(code).signature(signature).text(signature, value);
  }
  if (message.replySerial !== undefined) writer.align(8).byte(REPLY_SERIAL).signature('u').uint32(message.replySerial);
  const fieldBytes = writer.length;
  const header = Buffer.alloc(FIXED_BYTES);
  header.set([LITTLE_ENDIAN, TYPES.indexOf(message.type), message.type === 'call' ? NO_AUTO_START : 0, VERSION]);
  header.writeUInt32LE(message.body.length, 4);
  header.writeUInt32LE(message.serial, 8);
  header.writeUInt32LE(fieldBytes, 12);
  return Buffer.concat([header, writer.align(8).bytes(), message.body]);
}

/** The body of a call that takes strings. */
export function stringBody(...strings: readonly string[]): Pick<DbusMessage, 'signature' | 'body'> {
  const writer = new Writer();
  for (const value of strings) writer.text('s', value);
  return { signature: 's'.repeat(strings.length), body: writer.bytes() };
}

/** The first value of the body, within a variant too; undefined when it is neither boolean nor text. @throws DbusFormatError */
export function firstValue(message: DbusMessage): boolean | string | undefined {
  const reader = new Reader(message.body, message.isLittleEndian, 0);
  const outer = message.signature.slice(0, 1);
  const signature = outer === 'v' ? reader.signature() : outer;
  if (signature === 'b') return reader.value(signature) === 1;
  if (signature === 's') return String(reader.value(signature));
  return undefined;
}

function isLittleEndian(bytes: Buffer): boolean {
  if (bytes[0] !== LITTLE_ENDIAN && bytes[0] !== BIG_ENDIAN) throw new DbusFormatError('no mark of the byte order');
  return bytes[0] === LITTLE_ENDIAN;
}

function readUint32(bytes: Buffer, offset: number, little: boolean): number {
  if (offset + 4 > bytes.length) throw new DbusFormatError('a message that ends too early');
  return little ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
}

function aligned(offset: number, boundary: number): number {
  return Math.ceil(offset / boundary) * boundary;
}

class Reader {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  offset: number;

  constructor(bytes: Buffer, little: boolean, offset: number) {
    this.#bytes = bytes;
    this.#little = little;
    this.offset = offset;
  }

  align(boundary: number): void {
    this.offset = aligned(this.offset, boundary);
  }

  byte(): number {
    const value = this.#bytes[this.offset];
    if (value === undefined) throw new DbusFormatError('a message that ends too early');
    this.offset += 1;
    return value;
  }

  signature(): string {
    return this.#text(this.byte());
  }

  /** Types that headers and our answers are made of. */
  value(signature: string): string | number {
    switch (signature) {
      case 'g':
        return this.signature();
      case 's':
      case 'o':
        return this.#text(this.#uint32());
      case 'u':
      case 'b':
        return this.#uint32();
      default:
        throw new DbusFormatError(`a value of type '${signature}'`);
    }
  }

  #uint32(): number {
    this.align(4);
    const value = readUint32(this.#bytes, this.offset, this.#little);
    this.offset += 4;
    return value;
  }

  /** Text ends with a zero byte that its length does not count. */
  #text(length: number): string {
    const end = this.offset + length;
    if (end >= this.#bytes.length) throw new DbusFormatError('a text that is longer than its message');
    const text = this.#bytes.toString('utf8', this.offset, end);
    this.offset = end + 1;
    return text;
  }
}

class Writer {
  readonly #parts: Buffer[] = [];
  length = 0;

  align(boundary: number): this {
    return this.#push(Buffer.alloc(aligned(this.length, boundary) - this.length));
  }

  byte(value: number): this {
    return this.#push(Buffer.of(value));
  }

  uint32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return this.align(4).#push(bytes);
  }

  signature(value: string): this {
    return this.byte(value.length).#push(Buffer.from(`${value}\0`, 'latin1'));
  }

  text(signature: 's' | 'o' | 'g', value: string): this {
    if (signature === 'g') return this.signature(value);
    return this.uint32(Buffer.byteLength(value)).#push(Buffer.from(`${value}\0`));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #push(bytes: Buffer): this {
    this.#parts.push(bytes);
    this.length += bytes.length;
    return this;
  }
}
