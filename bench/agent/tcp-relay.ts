import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpRelayOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** On 127.0.0.1. */
  readonly targetPort: number;
}

/** Carries TCP connections on and counts their bytes, of both directions together. */
export interface TcpRelay extends AsyncDisposable {
  readonly port: number;
  /** Since the relay was opened. */
  bytes(): number;
}

/** @throws Error when the address cannot be bound. */
export async function openTcpRelay({ host, port, targetPort }: TcpRelayOptions): Promise<TcpRelay> {
  let bytes = 0;
  const open = new Set<Socket>();
  const carry = (from: Socket, to: Socket) => {
    open.add(from);
    from.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      open.delete(from);
      to.destroy();
    });
  };
  const server = createServer({ noDelay: true }, client => {
    const target = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    carry(client, target);
    carry(target, client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise<void>(resolve => {
        server.close(() => resolve());
      });
    },
  };
}
