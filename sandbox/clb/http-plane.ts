import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from './forwarder.ts';
import type { ClientConnection } from './forwarding.ts';
import { exchange } from './http-exchange.ts';
import { reset } from './socket-pair.ts';
import { listening, type PlaneListener, type PlaneOptions } from './tcp-plane.ts';
import { createTlsServer, type TlsOptions } from './tls-server.ts';

export type HttpPlaneOptions = PlaneOptions & TlsOptions;

/** Connections of one listener; more are refused. */
const CONNECTIONS_MAX = 10_000;
/** The real defaults of `client_header_timeout` and `keepalive_timeout`; a whole request may take Node's own default. */
const TIMEOUTS = { headersTimeout: 60_000, keepAliveTimeout: 75_000, requestTimeout: 300_000 };

/**
 * Listens on `endpoint`, at `listenPort`, and forwards every request to a target of the rule that takes it. Targets see
 * the client's own address, one request on each connection.
 * @throws the system's error when it cannot listen.
 */
export async function listenHttp(
  options: HttpPlaneOptions,
  endpoint: Endpoint,
  listenPort: number,
): Promise<PlaneListener> {
  const server = createServer(TIMEOUTS);
  const isSecure = endpoint.protocol === 'HTTPS';
  const inject = (client: Socket) => server.emit('connection', client);
  const outside = isSecure ? createTlsServer(options, endpoint, inject) : server;
  const clients = new Set<Socket>();
  outside.maxConnections = CONNECTIONS_MAX;
  outside.on('connection', client => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
  });
  serve(options, endpoint, server);
  await listening(outside, endpoint.vip, listenPort);
  return {
    close() {
      for (const client of clients) client.destroy();
      return new Promise(resolve => outside.close(() => resolve()));
    },
  };
}

function serve({ clock, forwarding, onError }: HttpPlaneOptions, endpoint: Endpoint, server: Server): void {
  const connections = new WeakMap<Socket, ClientConnection>();
  const scheme = endpoint.protocol === 'HTTPS' ? 'https' : 'http';
  const forward = (request: IncomingMessage, response: ServerResponse, upgradeHead?: Buffer) => {
    const connection = connections.get(request.socket);
    const options = { clock, onError, scheme, ...(upgradeHead && { upgradeHead }) } as const;
    if (!connection) return;
    exchange({ ...options, connection }, request, response).catch(() => request.socket.destroy());
  };
  server.on('connection', client => {
    const connection = forwarding.accept(endpoint);
    if (connection) connections.set(client, connection);
    else reset(client);
  });
  server.on('request', (request, response) => forward(request, response));
  server.on('upgrade', (request, client: Socket, head) => forward(request, lastResponse(request, client), head));
}

/** The answer to a request that wanted another protocol and does not get it: the connection ends with it. */
function lastResponse(request: IncomingMessage, client: Socket): ServerResponse {
  client.on('error', () => client.destroy());
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(client);
  response.once('finish', () => client.end());
  return response;
}
