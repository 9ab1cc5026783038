import { request as httpRequest } from 'node:http';
import { connect as connectSocket } from 'node:net';
import type { Clock } from '../../../common/clock.ts';
import { deadline } from '../../../common/deadline.ts';
import { HOOK_PORT } from '../../../common/names.ts';
import type { NodeDirectory } from './node-directory.ts';
import { type NodeConnect, type NodeHttpGet, type NodeNetwork, NodeNetworkError } from './node-network.ts';

/** Source ports of redirected calls: chosen by us, since the socket's row must stand before the connection does. */
const SOURCE_PORT_FIRST = 20_000;
const SOURCE_PORT_LAST = 32_000;
const SOURCE_PORT_TRIES = 20;

export interface RedirectingNetworkOptions {
  readonly clock: Clock;
  readonly directory: NodeDirectory;
  /** Source of every connection, and where redirected calls arrive: the agent has to listen there. */
  readonly nodeAddress: string;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly sourceAddress: string;
  readonly sourcePort?: number;
}

/** The sockets of one node's own processes, under the node's redirect rule. */
export function redirectingNetwork(options: RedirectingNetworkOptions): NodeNetwork {
  const ports = sourcePorts();
  return {
    async connect(request, signal) {
      using limit = deadline(options.clock, `connecting to ${request.host}:${request.port}`, request.timeoutMs, signal);
      await connectOnce(request, options.nodeAddress, limit.signal);
    },
    async httpGet(request, signal) {
      using limit = deadline(options.clock, `GET http://${request.host}:${request.port}`, request.timeoutMs, signal);
      const rules = options.directory.redirectRules();
      const isRedirected = request.port === HOOK_PORT && rules.addresses.has(request.host) && rules.port !== undefined;
      const plain: Target = { host: request.host, port: request.port, sourceAddress: options.nodeAddress };
      if (!isRedirected) return sendGet(request, plain, limit.signal);
      return getRedirected({ ...options, ports }, request, rules.port ?? 0, limit.signal);
    },
  };
}

async function getRedirected(
  options: RedirectingNetworkOptions & { readonly ports: Iterator<number, never> },
  request: NodeHttpGet,
  agentPort: number,
  signal: AbortSignal,
): Promise<{ status: number }> {
  const { nodeAddress, directory, ports } = options;
  for (let attempt = 1; ; attempt++) {
    const sourcePort = ports.next().value;
    const removeRow = directory.addConnection({
      localAddress: nodeAddress,
      localPort: sourcePort,
      remoteAddress: request.host,
      remotePort: request.port,
      uid: 0,
    });
    try {
      const target: Target = { host: nodeAddress, port: agentPort, sourceAddress: nodeAddress, sourcePort };
      return await sendGet(request, target, signal);
    } catch (error) {
      if (!isSourceTaken(error) || attempt === SOURCE_PORT_TRIES) throw error;
    } finally {
      removeRow();
    }
  }
}

function* sourcePorts(): Generator<number, never> {
  for (;;) for (let port = SOURCE_PORT_FIRST; port <= SOURCE_PORT_LAST; port++) yield port;
}

function isSourceTaken(error: unknown): boolean {
  const cause = error instanceof NodeNetworkError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === 'EADDRINUSE';
}

function sendGet(request: NodeHttpGet, target: Target, signal: AbortSignal): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      host: target.host,
      port: target.port,
      localAddress: target.sourceAddress,
      ...(target.sourcePort !== undefined && { localPort: target.sourcePort }),
      path: request.path,
      agent: false,
      headers: { host: `${request.host}:${request.port}`, accept: '*/*', connection: 'close', ...request.headers },
      signal,
    });
    sent.on('error', error => reject(failure(request, error)));
    sent.on('response', response => {
      response.on('error', error => reject(failure(request, error)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0 }));
      response.on('close', () => reject(failure(request, new Error('unexpected EOF'))));
      response.resume();
    });
    sent.end();
  });
}

function connectOnce({ host, port }: NodeConnect, localAddress: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, localAddress, signal });
    socket.once('error', error => reject(failure({ host, port }, error)));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

function failure({ host, port }: Pick<NodeConnect, 'host' | 'port'>, cause: Error): NodeNetworkError {
  return new NodeNetworkError(`Get "http://${host}:${port}": ${cause.message}`, { cause });
}
