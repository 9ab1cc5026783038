import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { parseHookRequest, TOKEN_HOST } from './hook-request.ts';
import type { HookCallee, HookCallees, HookTransport } from './hook-transport.ts';
import { ProcCallers } from './proc-callers.ts';
import { UnprovenConnections } from './unproven-connections.ts';

export interface HttpHookServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Lets other agents of the node listen there at the same time; the kernel deals the calls out. */
  readonly sharesPort?: boolean;
  /** The port that the kubelet calls, before it is redirected. */
  readonly hookPort: number;
  /** Where the node's own socket tables are: `<procRoot>/net/tcp` and `tcp6`. */
  readonly procRoot: string;
  /** A call was turned away; `reason` is one of a few words. */
  readonly onRefused: (reason: HookRefusal, caller: RefusedCaller) => void;
}

export interface RefusedCaller {
  readonly sourceAddress?: string | undefined;
  readonly sourcePort?: number | undefined;
}

export type HookRefusal =
  | 'not-a-hook'
  | 'no-pod-named'
  | 'unknown-pod'
  | 'unknown-token'
  | 'not-the-kubelet'
  | 'caller-unreadable'
  | 'malformed'
  | 'too-slow'
  | 'too-many-connections';

const STATUS_CODES: Readonly<Record<HookRefusal, number>> = {
  'not-a-hook': 404,
  'no-pod-named': 400,
  'unknown-pod': 403,
  'unknown-token': 403,
  'not-the-kubelet': 403,
  'caller-unreadable': 403,
  malformed: 400,
  'too-slow': 408,
  'too-many-connections': 503,
};
/** Above what the agent holds, so that a call too many is answered and not refused. */
const CONNECTIONS_MAX = 8_192;
/** Of those, the ones that may be open without a call; as many as the containers of a full node could open at once. */
const UNPROVEN_CONNECTIONS_MAX = 512;
/** Connections that the kernel takes while the agent is busy; of one more it would not tell its caller for a second. */
const BACKLOG = 4_096;
const HEADER_BYTES_MAX = 8_192;
const HEADERS_TIMEOUT_MS = 2_000;
/** How often Node looks for requests that are too slow. */
const TIMEOUT_CHECK_INTERVAL_MS = 500;
/** A port that is free for IPv4 may be taken for IPv6. */
const PORT_TRIES = 5;
const LOOPBACK = { ipv4: '127.0.0.1', ipv6: '::1' };

/** The preStop hook over HTTP. Calls that come before `serve` are answered at once with 503. */
export interface HttpHookServer extends HookTransport {
  readonly port: number;
  /** It listens on the same port of ::1, too. */
  readonly hasIpv6: boolean;
}

/**
 * Listens on one address; where that is 127.0.0.1, on ::1 as well if the node has it.
 * @throws Error when the address cannot be bound.
 */
export async function openHttpHookServer(options: HttpHookServerOptions): Promise<HttpHookServer> {
  const calls = new HookCalls(options);
  const servers = await listenOnLoopbacks(options, calls);
  const [server] = servers;
  return {
    port: (server.address() as AddressInfo).port,
    hasIpv6: servers.length > 1,
    serve: (callees, signal) => serve(servers, calls, { callees, signal }),
  };
}

async function listenOnLoopbacks(
  { host, port, sharesPort = false }: HttpHookServerOptions,
  calls: HookCalls,
): Promise<readonly [Server, ...Server[]]> {
  for (let attempt = 1; ; attempt += 1) {
    const server = await listen(calls, { host, port, reusePort: sharesPort });
    if (host !== LOOPBACK.ipv4) return [server];
    const { port: taken } = server.address() as AddressInfo;
    try {
      return [server, await listen(calls, { host: LOOPBACK.ipv6, port: taken, reusePort: sharesPort })];
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken || port !== 0 || attempt === PORT_TRIES) return [server];
      server.close();
    }
  }
}

async function listen(
  calls: HookCalls,
  address: { readonly host: string; readonly port: number; readonly reusePort: boolean },
): Promise<Server> {
  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
    keepAlive: false,
  };
  const server = createServer(limits, (request, response) => void calls.answer(request, response));
  server.maxConnections = CONNECTIONS_MAX;
  server.maxRequestsPerSocket = 1;
  server.on('connection', socket => calls.connected(socket));
  server.on('drop', () => calls.dropped());
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => calls.failed(error, socket as Socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ ...address, backlog: BACKLOG, exclusive: true }, resolve);
  });
  return server;
}

async function serve(
  servers: readonly Server[],
  calls: HookCalls,
  { callees, signal }: { readonly callees: HookCallees; readonly signal: AbortSignal },
): Promise<void> {
  calls.callees = callees;
  const ended = servers.map(
    server =>
      new Promise<void>(resolve => {
        // Idle connections are closed too; those with a call under way stay until it is answered.
        const stop = () => server.close(() => resolve());
        if (signal.aborted) stop();
        signal.addEventListener('abort', stop, { once: true });
      }),
  );
  await Promise.all(ended);
}

class HookCalls {
  readonly #onRefused: HttpHookServerOptions['onRefused'];
  readonly #hookPort: number;
  readonly #callers: ProcCallers;
  readonly #unproven: UnprovenConnections;
  callees: HookCallees | undefined;

  constructor({ procRoot, onRefused, hookPort }: HttpHookServerOptions) {
    this.#onRefused = onRefused;
    this.#hookPort = hookPort;
    this.#callers = new ProcCallers(procRoot);
    this.#unproven = new UnprovenConnections({ max: UNPROVEN_CONNECTIONS_MAX, onEvicted: () => this.dropped() });
  }

  connected(socket: Socket): void {
    this.#unproven.add(socket);
  }

  dropped(): void {
    this.#onRefused('too-many-connections', {});
  }

  /** What Node's parser gave up. */
  failed(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const reason = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'too-slow' : 'malformed';
    this.#onRefused(reason, sourceOf(socket));
    socket.write(`HTTP/1.1 ${STATUS_CODES[reason]} ${reason}\r\nconnection: close\r\n\r\n`);
    socket.destroySoon();
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hangUp = new AbortController();
    response.once('close', () => hangUp.abort());
    if (!this.callees) return end(response, 503, 'starting');
    const callee = await this.#calleeOf(request, this.callees);
    if (typeof callee === 'string') {
      this.#onRefused(callee, sourceOf(request.socket));
      return end(response, STATUS_CODES[callee], callee);
    }
    let line = 'the drain failed; the log of the agent tells why';
    try {
      line = await this.callees.hold(callee, hangUp.signal);
    } finally {
      end(response, 200, line);
    }
  }

  /** What is cheap to see is asked first, so that a call for nothing costs little. */
  async #calleeOf(
    { method, url, headers, socket }: IncomingMessage,
    callees: HookCallees,
  ): Promise<HookCallee | HookRefusal> {
    const hook = parseHookRequest({ method, url, host: headers.host, hookPort: this.#hookPort });
    if (hook.type === 'refused') return hook.reason;
    if (hook.type === 'address' && !callees.isHooked(hook.address)) return 'unknown-pod';
    const podUid = hook.type === 'token' ? callees.podUidOf(hook.token) : undefined;
    if (hook.type === 'token' && podUid === undefined) return 'unknown-token';
    const calledAddress = hook.type === 'token' ? TOKEN_HOST : hook.address;
    this.#unproven.prove(socket);
    try {
      const isKubelet = await this.#callers.isKubelet({
        sourcePort: socket.remotePort ?? 0,
        calledAddress,
        calledPort: this.#hookPort,
      });
      if (!isKubelet) return 'not-the-kubelet';
    } catch {
      return 'caller-unreadable';
    }
    return podUid === undefined ? { address: calledAddress } : { podUid };
  }
}

function sourceOf({ remoteAddress, remotePort }: Socket): RefusedCaller {
  return { sourceAddress: remoteAddress, sourcePort: remotePort };
}

/** The kubelet ignores status and body; they are for whoever calls by hand. */
function end(response: ServerResponse, status: number, text: string): void {
  if (response.writableEnded) return;
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`);
}
