import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KubeRequest } from '../../../common/kube/transport.ts';
import { ApiError, badRequest, methodNotAllowed, unsupportedMediaType } from './api-error.ts';
import { createServerCertificate } from './certificates.ts';
import type { Json } from './json.ts';
import type { KubeApiServer } from './kube-api-server.ts';
import { readProtobuf } from './protobuf-body.ts';
import { readBody } from './request-body.ts';
import type { KubeUser } from './user.ts';

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** As long as the longest label selector that kubectl makes, and far beyond. */
const URL_LENGTH_MAX = 16 * 1024;
/** Node closes idle keep-alive connections on its own; ours outlive the pauses between reconciliations. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

type ServedServer = Pick<KubeApiServer, 'request' | 'openWatch' | 'authenticate'>;

export interface ServeOptions {
  readonly server: ServedServer;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Further addresses and names that clients may call it by. */
  readonly addresses?: readonly string[];
  readonly names?: readonly string[];
  /** Certificates are valid from about this moment, in milliseconds since the Unix epoch. */
  readonly wallNowMs: number;
}

export interface ServedKubeApi {
  readonly url: string;
  readonly caCertificatePem: string;
  /** Ends all watches and connections. */
  close(): Promise<void>;
}

/**
 * Serves the API over HTTPS with a CA of its own; users are told apart by bearer tokens.
 * @throws Error when the address cannot be bound.
 */
export async function serveKubeApi(options: ServeOptions): Promise<ServedKubeApi> {
  const certificate = await createServerCertificate({
    commonName: 'kube-apiserver',
    addresses: [...new Set([options.host, '127.0.0.1', ...(options.addresses ?? [])])],
    names: ['localhost', 'kubernetes', 'kubernetes.default.svc', ...(options.names ?? [])],
    wallNowMs: options.wallNowMs,
  });
  const closing = new AbortController();
  const listener = createServer(
    { cert: certificate.certificatePem, key: certificate.privateKeyPem, maxHeaderSize: URL_LENGTH_MAX },
    (incoming, outgoing) => {
      answer(options.server, incoming, outgoing, closing.signal).catch(error => outgoing.destroy(asError(error)));
    },
  );
  listener.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  await listen(listener, options);
  const { port } = listener.address() as AddressInfo;
  return {
    url: `https://${options.host}:${port}`,
    caCertificatePem: certificate.caCertificatePem,
    close: () => close(listener, closing),
  };
}

function listen(listener: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ host, port }, resolve);
  });
}

function close(listener: Server, closing: AbortController): Promise<void> {
  closing.abort();
  return new Promise(resolve => {
    listener.close(() => resolve());
    listener.closeAllConnections();
  });
}

async function answer(
  server: ServedServer,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  closing: AbortSignal,
): Promise<void> {
  const user = userOf(server, incoming);
  const read = await readRequest(incoming);
  if (read instanceof ApiError) return sendJson(outgoing, read.status, read.body());
  const isWatch = read.method === 'GET' && ['true', '1'].includes(read.query?.watch ?? '');
  if (isWatch) return streamWatch({ server, user, request: read, outgoing, closing });
  const response = await server.request(user, read);
  if (response.warnings) outgoing.setHeader('warning', response.warnings.map(warningHeader));
  if (response.status === 429) outgoing.setHeader('retry-after', '10');
  sendJson(outgoing, response.status, response.body);
}

function userOf(server: ServedServer, incoming: IncomingMessage): KubeUser | undefined {
  const token = /^Bearer (\S+)$/i.exec(incoming.headers.authorization ?? '')?.[1];
  return token === undefined ? undefined : server.authenticate(token);
}

async function readRequest(incoming: IncomingMessage): Promise<KubeRequest | ApiError> {
  const method = METHODS.find(name => name === incoming.method);
  if (!method) return methodNotAllowed();
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'https://localhost');
  const read = await readBody(incoming);
  if (read.kind === 'tooLarge') return new ApiError(413, 'RequestEntityTooLarge', read.why);
  const { accept } = incoming.headers;
  const body = parseBody(read.bytes, incoming.headers['content-type']);
  if (body instanceof ApiError) return body;
  return {
    method,
    path: pathname,
    query: Object.fromEntries(searchParams),
    ...(accept !== undefined && { accept }),
    ...body,
  };
}

/** What is neither JSON nor protobuf stays text: the handler refuses it by its type. */
function parseBody(bytes: Buffer, contentType = JSON_TYPE): Pick<KubeRequest, 'body' | 'contentType'> | ApiError {
  if (bytes.length === 0) return { contentType };
  if (contentType.startsWith(PROTOBUF_TYPE)) {
    const read = readProtobuf(bytes);
    if (read.kind === 'object') return { body: read.object, contentType: JSON_TYPE };
    return unsupportedMediaType(`${contentType}: ${read.why}`, [JSON_TYPE]);
  }
  const text = bytes.toString('utf8');
  if (!contentType.includes('json')) return { body: text, contentType };
  try {
    return { body: JSON.parse(text) as Json, contentType };
  } catch (error) {
    return badRequest(`the body of the request is not JSON: ${asError(error).message}`);
  }
}

function sendJson(outgoing: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  outgoing.end(text);
}

interface WatchStream {
  readonly server: ServedServer;
  readonly user: KubeUser | undefined;
  readonly request: KubeRequest;
  readonly outgoing: ServerResponse;
  readonly closing: AbortSignal;
}

/** Events are written as the client takes them: a slow client reads the history later, or is told it is too late. */
async function streamWatch({ server, user, request, outgoing, closing }: WatchStream): Promise<void> {
  const opened = server.openWatch(user, request);
  if (opened.state === 'refused') return sendJson(outgoing, opened.response.status, opened.response.body);
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  outgoing.writeHead(200, { 'content-type': 'application/json' });
  outgoing.flushHeaders();
  for await (const { type, object } of opened.start(signal)) {
    if (!outgoing.write(`${JSON.stringify({ type, object })}\n`)) await drained(outgoing, signal);
    if (signal.aborted) break;
  }
  outgoing.end();
}

function drained(outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve();
      return;
    }
    outgoing.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function warningHeader(warning: string): string {
  return `299 - "${warning.replaceAll(/["\\]/g, '\\$&').replaceAll(/[^\x20-\x7e]/g, ' ')}"`;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
