import {
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { pipeline } from 'node:stream';
import { requestHeaders, responseHeaders } from './http-headers.ts';
import { type Reached, type ReachOptions, type ReachOutcome, reach } from './http-reach.ts';
import { idleLimit } from './idle-limit.ts';
import { join, reset } from './socket-pair.ts';

export interface ExchangeOptions extends ReachOptions {
  readonly scheme: 'http' | 'https';
  /** What came after a request that wants another protocol; undefined for any other request. */
  readonly upgradeHead?: Buffer;
}

/** Neither side has sent anything for this long: the real default of `proxy_read_timeout` and its like. */
const IDLE_MS = 60_000;
/** The real default of `client_max_body_size`. */
const BODY_BYTES_MAX = 60 * 1024 * 1024;

/** Forwards one request to a target and its answer to the client; resolves when a target has it, or none can get it. */
export async function exchange(
  options: ExchangeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) {
    refuse(response, 413);
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const outcome = await reach(options, request, gone.signal);
  if (outcome.kind === 'reached') relay({ options, request, response, ...outcome });
  else if (outcome.kind === 'redirect') redirect(response, outcome);
  else refuseFor(outcome.kind, request, response);
}

function refuseFor(
  kind: Exclude<ReachOutcome['kind'], 'reached' | 'redirect'>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  switch (kind) {
    case 'no-rule':
      refuse(response, 404);
      break;
    case 'no-target':
      refuse(response, 503);
      break;
    case 'unreachable':
      refuse(response, 502);
      break;
    case 'no-listener':
      reset(request.socket);
      break;
    case 'client-gone':
      break;
  }
}

/** A page of the load balancer itself; an answer that has begun breaks off instead. */
function refuse(response: ServerResponse, status: number): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  answer(response, status, {});
}

function redirect(response: ServerResponse, { code, location }: { readonly code: number; readonly location: string }) {
  answer(response, code, { location });
}

function answer(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>): void {
  // What is left of the request's body is not worth reading.
  response.shouldKeepAlive &&= response.req.complete;
  const page = `<html><body><h1>${status} ${STATUS_CODES[status]}</h1></body></html>\n`;
  const length = Buffer.byteLength(page);
  response.writeHead(status, { ...headers, 'content-type': 'text/html', 'content-length': length });
  response.end(page);
}

interface Relay extends Reached {
  readonly options: ExchangeOptions;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function relay(relayed: Relay): void {
  const { options, response, turn, backend, cut } = relayed;
  const outgoing = outgoingRequest(relayed);
  const fail = (status: number) => {
    reset(backend);
    refuse(response, status);
  };
  const onCut = () => fail(502);
  const idle = idleLimit(options.clock, IDLE_MS, () => fail(504));
  const end = () => {
    idle.cancel();
    cut.removeEventListener('abort', onCut);
    backend.destroy();
    turn.close();
  };
  cut.addEventListener('abort', onCut, { once: true });
  response.once('close', end);
  outgoing.on('error', () => fail(502));
  outgoing.on('response', answer => {
    answer.on('data', idle.touch);
    answerClient(relayed, answer);
  });
  outgoing.on('upgrade', (answer, _, head) => {
    idle.cancel();
    cut.removeEventListener('abort', onCut);
    response.removeListener('close', end);
    tunnel(relayed, answer, head);
  });
  sendBody(relayed, outgoing, { onData: idle.touch, onTooLarge: () => fail(413) });
}

function outgoingRequest({ options, request, backend }: Relay): ClientRequest {
  const { method = 'GET', rawHeaders, socket } = request;
  const headers = requestHeaders({
    method,
    headers: rawHeaders,
    clientAddress: socket.remoteAddress ?? '',
    scheme: options.scheme,
    upgrade: options.upgradeHead && request.headers.upgrade,
  });
  return openRequest({ createConnection: () => backend, method, path: request.url ?? '/', headers });
}

function sendBody(
  { options, request }: Relay,
  outgoing: ClientRequest,
  { onData, onTooLarge }: { readonly onData: () => void; readonly onTooLarge: () => void },
): void {
  if (options.upgradeHead) {
    outgoing.end();
    return;
  }
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    onData();
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) onTooLarge();
  });
  request.pipe(outgoing);
}

function answerClient({ turn, response }: Relay, answer: IncomingMessage): void {
  const { session, rule } = turn;
  const cookie = session === undefined ? undefined : { value: session, maxAgeSeconds: rule.sessionExpireSeconds };
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, responseHeaders(answer.rawHeaders, cookie));
  // An answer may begin long before its body does.
  response.flushHeaders();
  // When the answer breaks off, so does the client's connection.
  pipeline(answer, response, () => undefined);
}

/** The target has agreed to another protocol: from now on bytes go both ways, until one side ends or is idle. */
function tunnel(
  { options, request, response, turn, backend, cut }: Relay,
  answer: IncomingMessage,
  head: Buffer,
): void {
  const client = request.socket;
  response.detachSocket(client);
  const end = () => {
    reset(client);
    reset(backend);
  };
  const idle = idleLimit(options.clock, IDLE_MS, end);
  cut.addEventListener('abort', end, { once: true });
  client.write(upgradeAnswer(answer));
  client.write(head);
  backend.write(options.upgradeHead ?? '');
  for (const socket of [client, backend]) socket.on('data', idle.touch);
  join(client, backend, {
    close() {
      idle.cancel();
      turn.close();
    },
  });
}

function upgradeAnswer({ rawHeaders, statusMessage }: IncomingMessage): string {
  const lines = rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  return `HTTP/1.1 101 ${statusMessage}\r\n${lines.join('')}\r\n`;
}
