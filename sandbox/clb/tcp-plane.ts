import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../common/clock.ts';
import type { Endpoint } from './forwarder.ts';
import type { Connection, Forwarding } from './forwarding.ts';
import type { TargetAddress } from './target-pool.ts';

/** How long a backend may take to accept, as long as a client would try. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Connections of one listener; more are refused. */
const CONNECTIONS_MAX = 10_000;

export interface PlaneOptions {
  readonly clock: Clock;
  readonly forwarding: Forwarding;
  /** Something this machine refused; the text says what to do. */
  readonly onError: (message: string) => void;
}

/** A listening socket that can be taken away. */
export interface PlaneListener {
  /** Stops listening and ends everything that runs through it. */
  close(): Promise<void>;
}

/**
 * Listens on `endpoint`, at `listenPort`, and forwards every connection. The backend sees the client's own address.
 * @throws the system's error when it cannot listen.
 */
export async function listenTcp(options: PlaneOptions, endpoint: Endpoint, listenPort: number): Promise<PlaneListener> {
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    forward(options, endpoint, client);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listening(server, endpoint.vip, listenPort);
  return {
    close() {
      for (const client of clients) client.resetAndDestroy();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function forward({ clock, forwarding, onError }: PlaneOptions, endpoint: Endpoint, client: Socket): void {
  client.on('error', () => client.destroy());
  const clientAddress = client.remoteAddress;
  let cut = (): void => void client.resetAndDestroy();
  const connection = clientAddress && forwarding.open(endpoint, clientAddress, () => cut());
  if (!connection || !clientAddress) {
    client.resetAndDestroy();
    return;
  }
  const backend = dial(connection.target, clientAddress);
  const timer = clock.schedule(CONNECT_TIMEOUT_MS, () => backend.destroy(new Error('connect timed out')));
  cut = () => {
    client.resetAndDestroy();
    backend.resetAndDestroy();
  };
  backend.once('error', error => {
    if ('code' in error && error.code === 'EADDRNOTAVAIL') onError(cannotDial(connection.target, clientAddress));
  });
  backend.once('connect', () => timer.cancel());
  backend.once('close', () => timer.cancel());
  join(client, backend, connection);
}

function dial(target: TargetAddress, clientAddress: string): Socket {
  return connect({
    host: target.address,
    port: target.port,
    localAddress: clientAddress,
    allowHalfOpen: true,
    noDelay: true,
  });
}

function cannotDial(target: TargetAddress, clientAddress: string): string {
  return `cannot connect from ${clientAddress} to ${target.address}:${target.port} (EADDRNOTAVAIL): the client's address must be one of this machine, with ports left`;
}

/** Each direction ends on its own; a reset, a refusal or an error resets the other side. */
function join(client: Socket, backend: Socket, connection: Connection): void {
  client.on('error', () => backend.resetAndDestroy());
  backend.on('error', () => client.resetAndDestroy());
  client.pipe(backend);
  backend.pipe(client);
  let open = 2;
  const onClose = (other: Socket) => {
    open -= 1;
    if (!other.writableEnded && !other.destroyed) other.resetAndDestroy();
    if (open === 0) connection.close();
  };
  client.once('close', () => onClose(backend));
  backend.once('close', () => onClose(client));
}
