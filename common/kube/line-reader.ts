/** A line grew beyond its limit. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
  constructor(limitBytes: number) {
    super(`a line is longer than ${limitBytes} bytes`);
  }
}

const NEWLINE = 0x0a;

/**
 * Splits chunks of UTF-8 into lines, without their newline; empty lines are left out. What follows the last newline is
 * given as `rest` by `end()`. Holds at most `limitBytes` and one chunk.
 */
export class LineReader {
  readonly #limitBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** @throws LineTooLongError */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      const line = this.end();
      if (line !== '') yield line;
    }
    this.#keep(chunk.subarray(start));
  }

  /** Takes what has come since the last newline. */
  end(): string {
    const [first = Buffer.alloc(0)] = this.#pending;
    const whole = this.#pending.length > 1 ? Buffer.concat(this.#pending) : first;
    this.#pending = [];
    this.#pendingBytes = 0;
    return whole.toString('utf8');
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#pendingBytes += part.length;
    if (this.#pendingBytes > this.#limitBytes) throw new LineTooLongError(this.#limitBytes);
    this.#pending.push(part);
  }
}
