import type { IncomingMessage } from 'node:http';

/** What the real server takes as one request's body (3 MiB). */
const BODY_BYTES_MAX = 3 * 1024 * 1024;

export type RequestBody =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'tooLarge'; readonly why: string };

/** The whole body. One that is too large is read to its end but not kept, so that the client gets an answer. */
export async function readBody(incoming: IncomingMessage): Promise<RequestBody> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  if (size <= BODY_BYTES_MAX) return { kind: 'bytes', bytes: Buffer.concat(chunks) };
  return { kind: 'tooLarge', why: `Request entity too large: limit is ${BODY_BYTES_MAX}` };
}
