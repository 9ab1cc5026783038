import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../common/clock.ts';
import type { Endpoint } from './forwarder.ts';
import type { Forwarding } from './forwarding.ts';
import { cannotDial, dial, join, reset } from './socket-pair.ts';
import { createTlsServer, type TlsOptions } from './tls-server.ts';

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
 * Listens on `endpoint`, at `listenPort`, over TLS for TCP_SSL, and forwards every connection. The backend sees the client's own address.
 * @throws the system's error when it cannot listen.
 */
export async function listenTcp(
  options: PlaneOptions & TlsOptions,
  endpoint: Endpoint,
  listenPort: number,
): Promise<PlaneListener> {
  const clients = new Set<Socket>();
  const take = (client: Socket) => forward(options, endpoint, client);
  const server =
    endpoint.protocol === 'TCP_SSL'
      ? createTlsServer(options, endpoint, take)
      : createServer({ allowHalfOpen: true, noDelay: true }, take);
  server.on('connection', client => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
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

/** Resolves when it listens. @throws the system's error when it cannot. */
export function listening(server: Server, host: string, port: number): Promise<void> {
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
  let cut = (): void => reset(client);
  const connection = clientAddress && forwarding.open(endpoint, clientAddress, () => cut());
  if (!connection || !clientAddress) {
    reset(client);
    return;
  }
  const backend = dial(connection.target, clientAddress);
  const timer = clock.schedule(CONNECT_TIMEOUT_MS, () => backend.destroy(new Error('connect timed out')));
  cut = () => {
    reset(client);
    backend.resetAndDestroy();
  };
  backend.once('error', error => {
    const advice = cannotDial(connection.target, clientAddress, error);
    if (advice !== undefined) onError(advice);
  });
  backend.once('connect', () => timer.cancel());
  backend.once('close', () => timer.cancel());
  join(client, backend, connection);
}
