import type { ByteConnector, ByteStream } from './dbus/byte-stream.ts';

/** For tests: a system bus whose every connection is played by the test. */
export class ScriptedBus implements ByteConnector {
  /** Refuses every connection while set. */
  refusal: Error | undefined;
  readonly connections: ScriptedStream[] = [];

  async connect(): Promise<ByteStream> {
    if (this.refusal) throw this.refusal;
    const stream = new ScriptedStream();
    this.connections.push(stream);
    return stream;
  }
}

class ScriptedStream implements ByteStream {
  readonly written: Buffer[] = [];
  isClosed = false;
  readonly #chunks: Uint8Array[] = [];
  #wake = () => {};

  say(bytes: Uint8Array | string): void {
    this.#chunks.push(Buffer.from(bytes));
    this.#wake();
  }

  write(bytes: Uint8Array): void {
    this.written.push(Buffer.from(bytes));
  }

  async *received(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* this.#chunks.splice(0);
      if (this.#chunks.length > 0) continue;
      if (this.isClosed) return;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }
}
