import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly registry: Registry;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 64;

/** Serves `/metrics` and `/healthz`, which answers as long as the process does. @throws Error when it cannot listen. */
export async function openMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { registry, host, port } = options;
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, async (request, response) => {
    if (request.url === '/metrics') {
      response.setHeader('content-type', registry.contentType);
      response.end(await registry.metrics());
    } else if (request.url === '/healthz') {
      response.end('ok\n');
    } else {
      response.writeHead(404).end('/metrics or /healthz\n');
    }
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    // Two agents are on a node during an upgrade.
    server.once('error', reject).listen({ port, host, reusePort: true }, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise(resolve => {
    server.close(() => resolve());
  });
}
