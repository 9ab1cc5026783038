import { isIPv4 } from 'node:net';

/** One question of a DNS message (RFC 1035, section 4). */
export interface NameQuestion {
  readonly id: number;
  /** In lower case, without the final dot. */
  readonly name: string;
  readonly type: number;
  /** As it stands in the message. */
  readonly bytes: Buffer;
}

const headerBytes = 12;
const typeAndClassBytes = 4;
const typeA = 1;
const classInternet = 1;
/** Response, authoritative, recursion asked for and there. */
const flags = 0x8580;
const noSuchName = 3;
/** The name at the question. */
const namePointer = 0xc00c;
const lifeSeconds = 1;

/** Undefined for what is no question. */
export function questionOf(message: Buffer): NameQuestion | undefined {
  const labels: string[] = [];
  let end = headerBytes;
  for (let length = message[end]; length; length = message[end]) {
    labels.push(message.toString('latin1', end + 1, end + 1 + length));
    end += 1 + length;
  }
  end += 1;
  if (message.length < end + typeAndClassBytes) return undefined;
  const bytes = message.subarray(headerBytes, end + typeAndClassBytes);
  return { id: message.readUInt16BE(0), name: labels.join('.').toLowerCase(), type: message.readUInt16BE(end), bytes };
}

/** The answer: no addresses, no such name. Of other types than A there is nothing. */
export function answerName({ id, type, bytes }: NameQuestion, addresses: readonly string[]): Buffer {
  const records = type === typeA ? addresses.filter(address => isIPv4(address)).map(addressRecord) : [];
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(addresses.length > 0 ? flags : flags | noSuchName, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, bytes, ...records]);
}

function addressRecord(address: string): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(namePointer, 0);
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(classInternet, 4);
  record.writeUInt32BE(lifeSeconds, 6);
  record.writeUInt16BE(4, 10);
  record.set(address.split('.').map(Number), 12);
  return record;
}
