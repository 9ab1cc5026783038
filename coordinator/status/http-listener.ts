import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Clock } from '../../common/clock.ts';
import { renderStatusPage } from './status-page.ts';
import type { StatusSnapshot } from './status-snapshot.ts';
import { stopServer } from './stop-server.ts';

const REQUEST_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 64;

/** Undefined when all is well, else what is wrong. */
export type Check = () => string | undefined;

export interface StatusListenerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly registry: Registry;
  /** Liveness: each by the name under which its failure is reported. A failing one means: restart me. */
  readonly liveness: Readonly<Record<string, Check>>;
  /** Readiness: a failing one means: send me no requests. */
  readonly readiness: Readonly<Record<string, Check>>;
  readonly snapshot: () => StatusSnapshot;
  readonly clock: Clock;
}

export interface StatusListener {
  readonly port: number;
  /** Stays up to the last: stop it when the work has been stopped. Connections left after `graceMs` are cut. */
  stop(graceMs: number): Promise<void>;
}

interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/**
 * Serves `/`, `/metrics`, `/healthz` and `/readyz`.
 * @throws Error when the address cannot be bound.
 */
export async function listenForStatus(options: StatusListenerOptions): Promise<StatusListener> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(response, text(405, 'only GET is served here'));
    pageAt(path, options).then(
      page => send(response, page),
      error => send(response, text(500, `the page could not be made: ${String(error)}`)),
    );
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: graceMs => stopServer(server, options.clock, graceMs),
  };
}

async function pageAt(path: string, options: StatusListenerOptions): Promise<Page> {
  switch (path) {
    case '/':
      return { status: 200, contentType: 'text/html; charset=utf-8', body: renderStatusPage(options.snapshot()) };
    case '/metrics':
      return { status: 200, contentType: options.registry.contentType, body: await options.registry.metrics() };
    case '/healthz':
      return verdict(options.liveness);
    case '/readyz':
      return verdict(options.readiness);
    default:
      return text(404, 'here are /, /metrics, /healthz and /readyz');
  }
}

function verdict(checks: Readonly<Record<string, Check>>): Page {
  const failures = Object.entries(checks).flatMap(([name, check]) => {
    const failure = check();
    return failure === undefined ? [] : [`${name}: ${failure}`];
  });
  return failures.length === 0 ? text(200, 'ok') : text(503, failures.join('\n'));
}

function text(status: number, body: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function send(response: ServerResponse, { status, contentType, body }: Page): void {
  const headers = { 'content-type': contentType, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  response.writeHead(status, headers).end(body);
}
