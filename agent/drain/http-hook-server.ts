import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { HOOK_PATH, HOOK_PORT } from '../../common/names.ts';
import { readSockets } from '../connections/read-sockets.ts';
import { type HookCaller, isKubeletCall } from './caller-check.ts';
import type { HookHandler, HookTransport } from './hook-transport.ts';

export interface HttpHookServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the node's own socket table is: `<procRoot>/net/tcp`. */
  readonly procRoot: string;
  /** A call was turned away; `reason` is one of a few words. */
  readonly onRefused: (reason: HookRefusal, caller: Partial<HookCaller>) => void;
}

export type HookRefusal = 'not-a-hook' | 'no-pod-named' | 'not-the-kubelet' | 'caller-unreadable';

const STATUS_CODES: Readonly<Record<HookRefusal, number>> = {
  'not-a-hook': 404,
  'no-pod-named': 400,
  'not-the-kubelet': 403,
  'caller-unreadable': 403,
};
/** Above what the agent holds, so that a call too many is answered and not refused. */
const CONNECTIONS_MAX = 4_096;
const HEADER_BYTES_MAX = 8_192;
const HEADERS_TIMEOUT_MS = 2_000;

/** The preStop hook over HTTP. Calls that come before `serve` are answered at once with 503. */
export interface HttpHookServer extends HookTransport {
  readonly port: number;
}

/** Listens. @throws Error when the address cannot be bound. */
export async function openHttpHookServer(options: HttpHookServerOptions): Promise<HttpHookServer> {
  const calls = new HookCalls(options);
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_TIMEOUT_MS, keepAlive: false },
    (request, response) => void calls.answer(request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    serve: (handler, signal) => serve(server, calls, handler, signal),
  };
}

function serve(server: Server, calls: HookCalls, handler: HookHandler, signal: AbortSignal): Promise<void> {
  calls.handler = handler;
  return new Promise(resolve => {
    // Idle connections are closed too; those with a call under way stay until it is answered.
    const stop = () => server.close(() => resolve());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

class HookCalls {
  readonly #options: HttpHookServerOptions;
  handler: HookHandler | undefined;

  constructor(options: HttpHookServerOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hangUp = new AbortController();
    response.once('close', () => hangUp.abort());
    const caller = callerOf(request);
    const refusal = await this.#refusalOf(request, caller, hangUp.signal);
    if (refusal) {
      this.#options.onRefused(refusal, caller);
      return end(response, STATUS_CODES[refusal], refusal);
    }
    if (!this.handler || !caller.podAddress) return end(response, 503, 'starting');
    let line = 'the drain failed; the log of the agent tells why';
    try {
      line = await this.handler(caller.podAddress, hangUp.signal);
    } finally {
      end(response, 200, line);
    }
  }

  async #refusalOf(
    request: IncomingMessage,
    caller: Partial<HookCaller>,
    signal: AbortSignal,
  ): Promise<HookRefusal | undefined> {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== HOOK_PATH) return 'not-a-hook';
    if (!isComplete(caller)) return 'no-pod-named';
    try {
      const table = join(this.#options.procRoot, 'net', 'tcp');
      const sockets = await readSockets(table, [caller.sourcePort], signal);
      return isKubeletCall(sockets, caller) ? undefined : 'not-the-kubelet';
    } catch {
      return 'caller-unreadable';
    }
  }
}

function callerOf({ headers, socket }: IncomingMessage): Partial<HookCaller> {
  const [, podAddress, port] = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d+)$/.exec(headers.host ?? '') ?? [];
  const { remoteAddress, remotePort } = socket;
  return {
    ...(remoteAddress === undefined ? {} : { sourceAddress: remoteAddress.replace(/^::ffff:/, '') }),
    ...(remotePort === undefined ? {} : { sourcePort: remotePort }),
    ...(podAddress === undefined || Number(port) !== HOOK_PORT ? {} : { podAddress }),
  };
}

function isComplete(caller: Partial<HookCaller>): caller is HookCaller {
  return caller.podAddress !== undefined && caller.sourceAddress !== undefined && caller.sourcePort !== undefined;
}

/** The kubelet ignores status and body; they are for whoever calls by hand. */
function end(response: ServerResponse, status: number, text: string): void {
  if (response.writableEnded) return;
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`);
}
