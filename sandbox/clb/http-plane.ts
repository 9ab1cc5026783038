import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Endpoint } from './forwarder.ts';
import type { ClientConnection } from './forwarding.ts';
import { exchange } from './http-exchange.ts';
import { reset } from './socket-pair.ts';
import { listening, type PlaneListener, type PlaneOptions } from './tcp-plane.ts';

/** Both in PEM. */
export interface PlaneCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface HttpPlaneOptions extends PlaneOptions {
  /** What HTTPS listeners show. */
  readonly certificate: () => Promise<PlaneCertificate>;
}

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
  const isSecure = endpoint.protocol === 'HTTPS';
  const server = isSecure ? await secureServer(options) : createServer(TIMEOUTS);
  const clients = new Set<Socket>();
  server.maxConnections = CONNECTIONS_MAX;
  server.on('connection', client => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
  });
  serve(options, endpoint, { server, isSecure });
  await listening(server, endpoint.vip, listenPort);
  return {
    close() {
      for (const client of clients) client.destroy();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}

async function secureServer({ certificate }: HttpPlaneOptions): Promise<Server> {
  const { certificatePem, privateKeyPem } = await certificate();
  return createSecureServer({ ...TIMEOUTS, cert: certificatePem, key: privateKeyPem });
}

function serve(
  { clock, forwarding, onError }: HttpPlaneOptions,
  endpoint: Endpoint,
  { server, isSecure }: { readonly server: Server; readonly isSecure: boolean },
): void {
  const connections = new WeakMap<Socket, ClientConnection>();
  const forward = (request: IncomingMessage, response: ServerResponse, upgradeHead?: Buffer) => {
    const connection = connections.get(request.socket);
    const options = {
      clock,
      onError,
      scheme: isSecure ? 'https' : 'http',
      ...(upgradeHead && { upgradeHead }),
    } as const;
    if (!connection) return;
    exchange({ ...options, connection }, request, response).catch(() => request.socket.destroy());
  };
  server.on(isSecure ? 'secureConnection' : 'connection', client => {
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
