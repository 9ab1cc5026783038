/** A connection that carries bytes. */
export interface ByteStream {
  write(bytes: Uint8Array): void;
  /** Ends when the other side closes. @throws when the connection breaks, and after `close`. One reader. */
  received(): AsyncIterator<Uint8Array>;
  close(): void;
}

export interface ByteConnector {
  /** @throws Error that names the address and the cause, and the signal's reason when it aborts. */
  connect(signal: AbortSignal): Promise<ByteStream>;
}
