import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DbusFormatError,
  type DbusMessage,
  decodeMessage,
  encodeMessage,
  firstValue,
  MESSAGE_BYTES_MAX,
  messageLength,
  stringBody,
} from './dbus-message.ts';

const SIGNAL: Omit<DbusMessage, 'isLittleEndian'> = {
  type: 'signal',
  serial: 7,
  path: '/org/freedesktop/login1',
  interface: 'org.freedesktop.login1.Manager',
  member: 'PrepareForShutdown',
  sender: ':1.3',
  signature: 'b',
  body: Buffer.from([1, 0, 0, 0]),
};

/** The signal made by hand in the other byte order, with true. */
function bigEndianSignal(): Buffer {
  const member = [3, 1, 's'.charCodeAt(0), 0, 0, 0, 0, 18, ...Buffer.from('PrepareForShutdown\0')];
  const signature = [8, 1, 'g'.charCodeAt(0), 0, 1, 'b'.charCodeAt(0), 0];
  const fields = [...member, ...new Array(8 - (member.length % 8)).fill(0), ...signature];
  const padding = new Array((8 - (fields.length % 8)) % 8).fill(0);
  const header = ['B'.charCodeAt(0), 4, 1, 1, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, fields.length];
  return Buffer.from([...header, ...fields, ...padding, 0, 0, 0, 1]);
}

describe('a message', () => {
  test('is read as it was written', () => {
    const bytes = encodeMessage(SIGNAL);
    expect(messageLength(bytes)).toBe(bytes.length);
    expect(decodeMessage(bytes)).toEqual({ ...SIGNAL, isLittleEndian: true });
    expect(firstValue(decodeMessage(bytes))).toBe(true);
  });

  test('may come in the other byte order', () => {
    const bytes = bigEndianSignal();
    expect(messageLength(bytes)).toBe(bytes.length);
    const message = decodeMessage(bytes);
    expect(message).toMatchObject({ type: 'signal', serial: 9, member: 'PrepareForShutdown' });
    expect(firstValue(message)).toBe(true);
  });

  test('tells its length with the sixteenth byte', () => {
    const bytes = encodeMessage(SIGNAL);
    expect(messageLength(bytes.subarray(0, 15))).toBeUndefined();
    expect(messageLength(bytes.subarray(0, 16))).toBe(bytes.length);
  });

  test('that is larger than the limit is refused before it is read', () => {
    const bytes = encodeMessage(SIGNAL);
    bytes.writeUInt32LE(MESSAGE_BYTES_MAX, 4);
    expect(() => messageLength(bytes)).toThrow(`${MESSAGE_BYTES_MAX} is the limit`);
  });

  test('of another protocol is refused', () => {
    expect(() => messageLength(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toThrow('no mark of the byte order');
  });
});

describe('the first value', () => {
  const message = (signature: string, body: Buffer) => decodeMessage(encodeMessage({ ...SIGNAL, signature, body }));

  test('is found within a variant', () => {
    const body = Buffer.from([1, 'b'.charCodeAt(0), 0, 0, 1, 0, 0, 0]);
    expect(firstValue(message('v', body))).toBe(true);
  });

  test('may be text', () => {
    const { signature, body } = stringBody(':1.3', 'more');
    expect(firstValue(message(signature, body))).toBe(':1.3');
  });

  test('of any other type is left out', () => {
    expect(firstValue(message('ai', Buffer.alloc(8)))).toBeUndefined();
    expect(firstValue(message('', Buffer.alloc(0)))).toBeUndefined();
  });
});

test('whatever bytes come, they are a message or a format error', () => {
  const bytes = fc.uint8Array({ maxLength: 400 }).map(array => Buffer.from(array));
  fc.assert(fc.property(fc.oneof(bytes, fc.tuple(bytes, fc.nat(200)).map(damaged)), takeAnything), { numRuns: 2_000 });
});

/** A good message in which a few bytes were replaced. */
function damaged([noise, at]: readonly [Buffer, number]): Buffer {
  const bytes = encodeMessage(SIGNAL);
  bytes.set(noise.subarray(0, Math.min(4, Math.max(0, bytes.length - at))), Math.min(at, bytes.length));
  return bytes;
}

function takeAnything(bytes: Buffer): void {
  try {
    const length = messageLength(bytes);
    if (length !== undefined && length <= bytes.length) firstValue(decodeMessage(bytes.subarray(0, length)));
  } catch (error) {
    expect(error).toBeInstanceOf(DbusFormatError);
  }
}
