/** As much of WebSocket (RFC 6455) as test traffic needs: whole messages of text below 126 bytes, and the closing. */
import { createHash } from 'node:crypto';

export type WebSocketFrame =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'close'; readonly code: number };

/** Who sends: what a client sends has to be masked. */
export type WebSocketEnd = 'client' | 'server';

export const goingAway = 1001;
export const normalClosure = 1000;

const textOpcode = 1;
const closeOpcode = 8;
const final = 0x80;
const masked = 0x80;
const maskBytes = 4;
const headBytes = 2;

/** What a server answers to a client's `Sec-WebSocket-Key`. */
export function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

export function textFrame(text: string, from: WebSocketEnd): Buffer {
  return frame(textOpcode, Buffer.from(text), from);
}

export function closeFrame(code: number, from: WebSocketEnd): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame(closeOpcode, payload, from);
}

/** A mask of zeros is one too, and leaves the payload as it is. */
function frame(opcode: number, payload: Buffer, from: WebSocketEnd): Buffer {
  if (payload.length > 125) throw new RangeError(`a frame of ${payload.length} bytes`);
  const head = Buffer.from([final | opcode, payload.length | (from === 'client' ? masked : 0)]);
  return Buffer.concat([head, Buffer.alloc(from === 'client' ? maskBytes : 0), payload]);
}

/** Takes bytes as they come; other frames than text and close are skipped. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  feed(bytes: Buffer): WebSocketFrame[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const frames: WebSocketFrame[] = [];
    for (let size = this.#sizeOfFirst(); size !== undefined; size = this.#sizeOfFirst()) {
      const read = readFrame(this.#rest.subarray(0, size));
      if (read !== undefined) frames.push(read);
      this.#rest = this.#rest.subarray(size);
    }
    return frames;
  }

  /** Undefined as long as it has not come whole. */
  #sizeOfFirst(): number | undefined {
    const [, lengths] = this.#rest;
    if (lengths === undefined) return undefined;
    const size = headBytes + (lengths & masked ? maskBytes : 0) + (lengths & ~masked);
    return size <= this.#rest.length ? size : undefined;
  }
}

function readFrame(bytes: Buffer): WebSocketFrame | undefined {
  const [first = 0, lengths = 0] = bytes;
  const mask = lengths & masked ? bytes.subarray(headBytes, headBytes + maskBytes) : Buffer.alloc(maskBytes);
  const payload = bytes
    .subarray(bytes.length - (lengths & ~masked))
    .map((byte, at) => byte ^ (mask[at % maskBytes] ?? 0));
  const opcode = first & 0x0f;
  if (opcode === textOpcode) return { kind: 'text', text: Buffer.from(payload).toString() };
  if (opcode === closeOpcode) return { kind: 'close', code: Buffer.from(payload).readUInt16BE() };
  return undefined;
}
