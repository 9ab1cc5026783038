import type { IncomingMessage } from 'node:http';
import { Agent, type AgentOptions, request as httpsRequest, type RequestOptions } from 'node:https';
import { KubeConfigError, type KubeConfiguration } from './configuration.ts';
import { LineReader } from './line-reader.ts';
import { type TokenSource, tokenSource } from './token-source.ts';
import {
  KubeConnectionError,
  type KubeRequest,
  type KubeResponse,
  KubeResponseError,
  type KubeTransport,
  type WatchEvent,
} from './transport.ts';

const USER_AGENT = 'clb-direct';
/** Of one answer; a page of 500 Pods is 2 MiB as a rule, and etcd stores at most 1.5 MiB per object. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
/** Of one watch event: one object with its envelope. */
const EVENT_BYTES_MAX = 8 * 1024 * 1024;
const REQUEST_SOCKETS_MAX = 128;
const WATCH_SOCKETS_MAX = 1_024;
/** Shorter than the API server's own 90 s, so that we do not write into a connection it is closing. */
const IDLE_SOCKET_MS = 30_000;
/** TCP probes begin after this much silence and end a dead connection about 10 s later. */
const KEEP_ALIVE_MS = 10_000;

/** @throws KubeConfigError when the server's address is no `https:` URL. */
export function httpsKubeTransport(configuration: KubeConfiguration): KubeTransport {
  return new HttpsTransport(configuration);
}

/**
 * Proxy variables are ignored: agents of our own, without `proxyEnv`. Watches have sockets of their own, so that they
 * cannot use up those of requests.
 */
class HttpsTransport implements KubeTransport {
  readonly #server: URL;
  readonly #token: TokenSource;
  readonly #requestAgent: Agent;
  readonly #watchAgent: Agent;

  constructor(configuration: KubeConfiguration) {
    this.#server = parseServer(configuration.server);
    this.#token = tokenSource(configuration.bearerToken);
    const tls = tlsOptions(configuration);
    this.#requestAgent = new Agent({
      ...tls,
      keepAlive: true,
      keepAliveMsecs: KEEP_ALIVE_MS,
      maxSockets: REQUEST_SOCKETS_MAX,
      timeout: IDLE_SOCKET_MS,
    });
    this.#watchAgent = new Agent({ ...tls, maxSockets: WATCH_SOCKETS_MAX });
  }

  async request(request: KubeRequest, signal: AbortSignal): Promise<KubeResponse> {
    try {
      const answer = await this.#open(this.#requestAgent, request, signal);
      return { status: answer.statusCode ?? 0, body: parseBody(answer, await readAll(answer)) };
    } catch (error) {
      throw connectionError(request, error, signal);
    }
  }

  async *watch(request: KubeRequest, signal: AbortSignal, onOpened?: () => void): AsyncGenerator<WatchEvent> {
    const watch = { ...request, query: { ...request.query, watch: 'true' } };
    try {
      const answer = await this.#open(this.#watchAgent, watch, signal);
      if (answer.statusCode !== 200) {
        const body = parseBody(answer, await readAll(answer));
        throw new KubeResponseError(watch, { status: answer.statusCode ?? 0, body });
      }
      onOpened?.();
      yield* readEvents(answer, signal);
    } catch (error) {
      throw connectionError(watch, error, signal);
    }
  }

  async #open(agent: Agent, request: KubeRequest, signal: AbortSignal): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const token = await this.#token();
    signal.throwIfAborted();
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options: RequestOptions = {
      agent,
      method: request.method,
      headers: headersOf(request, body, token),
      signal,
    };
    return exchange(this.#urlOf(request), options, body);
  }

  #urlOf({ path, query }: KubeRequest): URL {
    const url = new URL(this.#server);
    url.pathname = url.pathname.replace(/\/$/, '') + path;
    url.search = new URLSearchParams(query).toString();
    return url;
  }
}

function exchange(url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(url, options, resolve);
    outgoing.on('socket', socket => socket.setKeepAlive(true, KEEP_ALIVE_MS));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed an idle connection at the moment it was reused: a read may simply be asked again.
      const isStale = outgoing.reusedSocket && error.code === 'ECONNRESET' && options.method === 'GET';
      if (isStale && !options.signal?.aborted) resolve(exchange(url, options, body));
      else reject(error);
    });
    outgoing.end(body);
  });
}

function headersOf(
  request: KubeRequest,
  body: string | undefined,
  token: string | undefined,
): Record<string, string | number> {
  return {
    accept: request.accept ?? 'application/json',
    'user-agent': USER_AGENT,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && {
      'content-type': request.contentType ?? 'application/json',
      'content-length': Buffer.byteLength(body),
    }),
  };
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Proxies and an overloaded server answer in plain text: such an answer is given as a status with that text. */
function parseBody(answer: IncomingMessage, text: string): unknown {
  const isSuccess = answer.statusCode !== undefined && answer.statusCode >= 200 && answer.statusCode < 300;
  if (isSuccess) return text === '' ? undefined : JSON.parse(text);
  try {
    return JSON.parse(text);
  } catch {
    return { kind: 'Status', status: 'Failure', code: answer.statusCode, message: text.slice(0, 1_000) };
  }
}

async function* readEvents(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  const lines = new LineReader(EVENT_BYTES_MAX);
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    for (const line of lines.push(chunk)) {
      signal.throwIfAborted();
      yield JSON.parse(line) as WatchEvent;
    }
  }
  if (lines.end() !== '') throw new Error('the stream ended within an event');
}

function connectionError(request: KubeRequest, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof KubeResponseError) return error;
  const cause = error instanceof Error ? error.message || error.name : String(error);
  return new KubeConnectionError(`${request.method} ${request.path}: ${cause}`, { cause: error });
}

function parseServer(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol !== 'https:') {
    throw new KubeConfigError(`the API server's address '${server}' must be an https:// URL`);
  }
  return url;
}

function tlsOptions(configuration: KubeConfiguration): AgentOptions {
  const { certificateAuthority, clientCertificate, tlsServerName, skipTlsVerify } = configuration;
  return {
    ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
    ...(clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }),
    ...(tlsServerName !== undefined && { servername: tlsServerName }),
    rejectUnauthorized: skipTlsVerify !== true,
  };
}
