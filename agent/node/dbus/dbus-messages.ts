import type { ByteStream } from './byte-stream.ts';
import { DbusFormatError, type DbusMessage, decodeMessage, messageLength } from './dbus-message.ts';

/** The kernel says who we are; naming nobody lets the bus ask it, also from within a user namespace. */
const AUTHENTICATE = '\0AUTH EXTERNAL\r\nDATA\r\n';
const BEGIN = 'BEGIN\r\n';
/** The bus answers with a word and its id. */
const AUTHENTICATION_BYTES_MAX = 1_024;

/**
 * Authenticates on a fresh connection to a bus, sends `opening`, and gives what the bus says, until it closes.
 * @throws DbusFormatError when the bus takes us for nobody or speaks something else.
 */
export async function* dbusMessages(stream: ByteStream, opening: Uint8Array): AsyncGenerator<DbusMessage, void> {
  const chunks = stream.received();
  stream.write(Buffer.from(AUTHENTICATE));
  let bytes = await untilAuthenticated(chunks);
  stream.write(Buffer.concat([Buffer.from(BEGIN), opening]));
  for (;;) {
    const length = messageLength(bytes);
    if (length !== undefined && length <= bytes.length) {
      yield decodeMessage(bytes.subarray(0, length));
      bytes = bytes.subarray(length);
      continue;
    }
    const chunk = await chunks.next();
    if (chunk.done) return;
    bytes = Buffer.concat([bytes, chunk.value]);
  }
}

/** @returns what came after the bus accepted us. */
async function untilAuthenticated(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length <= AUTHENTICATION_BYTES_MAX) {
    const end = bytes.indexOf('\r\n');
    if (end === -1) {
      const chunk = await chunks.next();
      if (chunk.done) throw new DbusFormatError('the bus closed the connection before it knew us');
      bytes = Buffer.concat([bytes, chunk.value]);
      continue;
    }
    const line = bytes.toString('latin1', 0, end);
    bytes = bytes.subarray(end + 2);
    if (line.startsWith('OK ')) return bytes;
    if (!line.startsWith('DATA')) throw new DbusFormatError(`the bus answers '${line}' to who we are`);
  }
  throw new DbusFormatError('the bus says too much before it knows us');
}
