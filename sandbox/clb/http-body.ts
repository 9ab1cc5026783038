import type { IncomingMessage } from 'node:http';

/** The real gateway's limit for signed JSON requests. */
const BODY_MAX_BYTES = 10 * 1024 * 1024;

/** @throws RangeError when the body is too long. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > BODY_MAX_BYTES) throw new RangeError(`the body is longer than ${BODY_MAX_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
