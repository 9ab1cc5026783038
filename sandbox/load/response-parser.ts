/** An HTTP/1.1 response, as far as the load generator cares. */
export interface Response {
  readonly status: number;
  /** Names in lower case; of repeated ones the last. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most the first `BODY_BYTES_KEPT` bytes. */
  readonly body: string;
  /** False when the server says that it closes the connection. */
  readonly keepsAlive: boolean;
}

/** The server does not speak HTTP/1.x. */
export class MalformedResponseError extends Error {
  override readonly name = 'MalformedResponseError';
}

const HEAD_BYTES_MAX = 65_536;
/** Enough for the name of a Pod; the rest is only counted. */
const BODY_BYTES_KEPT = 65_536;
const HEAD_END = '\r\n\r\n';

type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'untilClose' };

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly framing: Framing;
  readonly keepsAlive: boolean;
}

/**
 * Reads one response from bytes as they come. Node's own client hides what a load test has to see: whether anything had
 * arrived before a reset, and whether a connection was closed between two requests or during one.
 */
export class ResponseParser {
  /** Not yet understood: the head, or the part of a chunked body from the next chunk's size on. */
  #pending = Buffer.alloc(0);
  #head: Head | undefined;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #bodyBytes = 0;
  #chunkBytesLeft = 0;
  #chunksEnded = false;

  /** True once a byte has come. */
  hasBegun = false;

  /** The response once it is complete. @throws MalformedResponseError */
  feed(bytes: Buffer): Response | undefined {
    this.hasBegun ||= bytes.length > 0;
    if (this.#head) this.#feedBody(bytes);
    else this.#feedHead(bytes);
    return this.#isComplete() ? this.#response() : undefined;
  }

  /** The server closed its side: the response if that is how it ends, otherwise undefined, and it is truncated. */
  end(): Response | undefined {
    return this.#head?.framing.kind === 'untilClose' ? this.#response() : undefined;
  }

  #feedHead(bytes: Buffer): void {
    const all = Buffer.concat([this.#pending, bytes]);
    const end = all.indexOf(HEAD_END);
    if (end < 0) {
      if (all.length > HEAD_BYTES_MAX) throw new MalformedResponseError('the head of the response does not end');
      this.#pending = all;
      return;
    }
    this.#pending = Buffer.alloc(0);
    const head = parseHead(all.subarray(0, end).toString('latin1'));
    const rest = all.subarray(end + HEAD_END.length);
    // 100 Continue and its like come before the response proper.
    if (head.status < 200) this.#feedHead(rest);
    else {
      this.#head = head;
      this.#feedBody(rest);
    }
  }

  #feedBody(bytes: Buffer): void {
    if (this.#head?.framing.kind === 'chunked') this.#feedChunks(Buffer.concat([this.#pending, bytes]));
    else this.#keep(bytes);
  }

  #feedChunks(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0 && !this.#chunksEnded) {
      if (this.#chunkBytesLeft > 0) {
        const taken = rest.subarray(0, this.#chunkBytesLeft);
        this.#chunkBytesLeft -= taken.length;
        this.#keep(taken);
        rest = rest.subarray(taken.length);
        continue;
      }
      const line = /^(?:\r\n)?([0-9a-f]+)(?:;[^\r]*)?\r\n/i.exec(rest.subarray(0, 128).toString('latin1'));
      if (!line) break;
      this.#chunkBytesLeft = Number.parseInt(line[1] as string, 16);
      this.#chunksEnded = this.#chunkBytesLeft === 0;
      rest = rest.subarray(line[0].length);
    }
    if (rest.length > 128) throw new MalformedResponseError('a chunk has no size');
    this.#pending = Buffer.from(this.#chunksEnded ? '' : rest);
  }

  #keep(bytes: Buffer): void {
    this.#bodyBytes += bytes.length;
    const kept = bytes.subarray(0, BODY_BYTES_KEPT - this.#keptBytes);
    if (kept.length === 0) return;
    this.#keptBytes += kept.length;
    this.#kept.push(kept);
  }

  #isComplete(): boolean {
    const framing = this.#head?.framing;
    if (framing?.kind === 'length') return this.#bodyBytes >= framing.bytes;
    return framing?.kind === 'chunked' && this.#chunksEnded;
  }

  #response(): Response | undefined {
    if (!this.#head) return undefined;
    const { status, headers, keepsAlive } = this.#head;
    return { status, headers, keepsAlive, body: Buffer.concat(this.#kept).toString() };
  }
}

function parseHead(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})/.exec(statusLine) ?? [];
  if (!status) throw new MalformedResponseError(`the response begins with "${statusLine.slice(0, 40)}"`);
  const headers = Object.fromEntries(
    lines.map(line => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const framing = framingOf(Number(status), headers);
  const connection = (headers.connection ?? (minor === '1' ? 'keep-alive' : 'close')).toLowerCase();
  return {
    status: Number(status),
    headers,
    framing,
    keepsAlive: connection !== 'close' && framing.kind !== 'untilClose',
  };
}

function framingOf(status: number, headers: Readonly<Record<string, string>>): Framing {
  if (status < 200 || status === 204 || status === 304) return { kind: 'length', bytes: 0 };
  if (/\bchunked$/i.test(headers['transfer-encoding'] ?? '')) return { kind: 'chunked' };
  const length = headers['content-length'];
  if (length === undefined) return { kind: 'untilClose' };
  if (!/^\d+$/.test(length)) throw new MalformedResponseError(`content-length is "${length.slice(0, 40)}"`);
  return { kind: 'length', bytes: Number(length) };
}
