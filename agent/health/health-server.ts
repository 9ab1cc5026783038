import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AgentHealth, HealthBoard } from './health.ts';

export interface HealthServer extends HealthBoard {
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 2_000;
const CONNECTIONS_MAX = 16;
const OWNER_ALONE = 0o600;
/** The kernel's limit of a socket's path, without the final zero. */
const PATH_BYTES_MAX = 107;

/**
 * Serves `/livez` (200 while the process answers and no part hangs) and `/readyz` (200 when nothing is missing) on a unix
 * socket, so that of two agents on a node one never answers for the other. A socket left there by a process that was
 * killed is replaced.
 * @throws Error whose message names path and cause.
 */
export async function openHealthServer(path: string): Promise<HealthServer> {
  let health = (): AgentHealth => ({ missing: ['the agent is starting'], stuck: [] });
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAlive: false }, (request, response) => {
    if (request.url === '/livez') answer(response, health().stuck);
    else if (request.url === '/readyz') answer(response, health().missing);
    else response.writeHead(404, { connection: 'close' }).end('/livez or /readyz\n');
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, path);
  return {
    observe: read => {
      health = read;
    },
    close: () => close(server),
  };
}

function answer(response: ServerResponse, problems: readonly string[]): void {
  const isWell = problems.length === 0;
  response.writeHead(isWell ? 200 : 503, { 'content-type': 'text/plain', connection: 'close' });
  response.end(isWell ? 'ok\n' : `${problems.join('\n')}\n`);
}

async function listen(server: Server, path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MAX) {
    throw new Error(`--health-socket ${path}: ${bytes} bytes, a socket's path has at most ${PATH_BYTES_MAX}`);
  }
  try {
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
    await chmod(path, OWNER_ALONE);
  } catch (cause) {
    throw new Error(`--health-socket ${path}: ${(cause as Error).message}`, { cause });
  }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise(resolve => {
    server.close(() => resolve());
  });
}
