import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';

/** `refused`: connections are reset, new ones too. `silent`: they stay, and nothing passes until they are open again. */
export type Fate = 'open' | 'refused' | 'silent';

export interface TcpRelayOptions {
  /** Where a connection to that address of the relay goes. */
  readonly targetOf: (dialed: string) => { readonly host: string; readonly port: number };
  /** What callers say, as they say it: before it is passed on, in silence too. */
  readonly onChunk?: (dialed: string, chunk: Buffer) => void;
}

/** A relay for TCP on all addresses of 127.0.0.0/8, which callers may be told apart by: each dials its own. */
export interface TcpRelay extends AsyncDisposable {
  readonly port: number;
  setFate(fate: Fate): void;
}

interface Pair {
  readonly client: Socket;
  /** What the client has said and the target has not heard yet. */
  readonly said: PassThrough;
  readonly target: Socket;
}

/** @throws Error when there is no port to listen on. */
export async function openTcpRelay({ targetOf, onChunk }: TcpRelayOptions): Promise<TcpRelay> {
  const pairs = new Set<Pair>();
  let fate: Fate = 'open';
  const server = createServer({ noDelay: true }, client => {
    const dialed = client.localAddress ?? '';
    client.on('error', () => client.destroy());
    if (fate === 'refused' || !dialed.startsWith('127.')) {
      client.resetAndDestroy();
      return;
    }
    const pair = join(client, connect({ ...targetOf(dialed), noDelay: true }), () => pairs.delete(pair));
    pairs.add(pair);
    if (onChunk) client.on('data', chunk => onChunk(dialed, chunk));
    apply(pair, fate);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '0.0.0.0', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    setFate(next) {
      fate = next;
      for (const pair of pairs) apply(pair, fate);
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) apply(pair, 'refused');
      await new Promise<void>(resolve => {
        server.close(() => resolve());
      });
    },
  };
}

/** What a client has said before it ended is passed on all the same, as networks do. */
function join(client: Socket, target: Socket, onEnd: () => void): Pair {
  const said = client.pipe(new PassThrough());
  client.on('error', () => target.destroy());
  target.on('error', () => client.destroy());
  target.on('close', () => {
    client.destroy();
    onEnd();
  });
  return { client, said, target };
}

function apply({ client, said, target }: Pair, fate: Fate): void {
  switch (fate) {
    case 'open':
      said.pipe(target);
      target.pipe(client);
      return;
    case 'silent':
      said.unpipe(target).pause();
      target.unpipe(client).pause();
      return;
    case 'refused':
      client.resetAndDestroy();
      target.resetAndDestroy();
      return;
  }
}
