import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../common/clock.ts';
import { type Random, randomUuid } from '../../common/random.ts';
import { type BadReply, BadReplyError, ClbError } from './clb-error.ts';
import { readBody } from './http-body.ts';
import type { ClbServer } from './server.ts';
import { type Credentials, verifySignature } from './signature.ts';

const VERSION = '2018-03-17';
/** Between two bytes of an answer that does not end. */
const DRIP_INTERVAL_MS = 200;
const HTML = '<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n';

export interface HttpCarrierOptions {
  readonly server: ClbServer;
  readonly clock: Clock;
  readonly random: Random;
  readonly credentials: readonly Credentials[];
  readonly region: string;
}

/** An HTTP server that speaks the API as the official SDKs send it: one signed POST of JSON per call. */
export function httpCarrier(options: HttpCarrierOptions): Server {
  return createServer((request, response) => {
    answer(options, request, response).catch(() => request.socket.destroy());
  });
}

async function answer(options: HttpCarrierOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = await readBody(request);
    const { action, parameters } = authorized(options, request, body);
    send(response, await options.server.call(action, parameters));
  } catch (error) {
    if (error instanceof BadReplyError) return sendBadly(options.clock, response, error.reply);
    // A body without end, or our own mistake: the client learns nothing.
    if (!(error instanceof ClbError)) throw error;
    const requestId = error.requestId === '' ? randomUuid(options.random) : error.requestId;
    send(response, { Error: { Code: error.code, Message: error.message }, RequestId: requestId });
  }
}

/** @throws ClbError for anything that keeps the call from being looked at. */
function authorized(options: HttpCarrierOptions, request: IncomingMessage, body: string) {
  if (request.method !== 'POST' || request.url !== '/') {
    throw new ClbError('UnsupportedProtocol', 'The sandbox takes POST / only.');
  }
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, value?.toString()]));
  verifySignature({ headers, body }, options.credentials, options.clock.wallNow());
  const action = required(headers, 'x-tc-action');
  if (required(headers, 'x-tc-version') !== VERSION) {
    throw new ClbError('NoSuchVersion', `The version must be ${VERSION}.`);
  }
  const region = required(headers, 'x-tc-region');
  if (region !== options.region) throw new ClbError('UnsupportedRegion', `Region ${region} is not supported here.`);
  return { action, parameters: parsed(body) };
}

function required(headers: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = headers[name];
  if (value) return value;
  throw new ClbError('MissingParameter', `The header ${name} is missing.`);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new ClbError('InvalidRequest', 'The body is not JSON.');
  }
}

function send(response: ServerResponse, inside: Record<string, unknown>): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(bodyOf(inside));
}

function bodyOf(inside: Record<string, unknown>): string {
  return JSON.stringify({ Response: inside });
}

function sendBadly(clock: Clock, response: ServerResponse, reply: BadReply): void {
  switch (reply.kind) {
    case 'none':
      response.destroy();
      return;
    case 'html':
      response.writeHead(reply.status, { 'content-type': 'text/html' });
      response.end(HTML);
      return;
    case 'broken': {
      const body = begun(response, reply.inside);
      response.write(body.slice(0, Math.ceil(body.length / 2)), () => response.destroy());
      return;
    }
    case 'drip':
      drip(clock, response, begun(response, reply.inside));
  }
}

/** Sends the headers of an answer, and returns the body that they promise. */
function begun(response: ServerResponse, inside: Record<string, unknown>): string {
  const body = bodyOf(inside);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  return body;
}

/** One character after another, and never the last, until the client has enough of it. */
function drip(clock: Clock, response: ServerResponse, left: string): void {
  if (response.destroyed) return;
  if (left.length > 1) response.write(left.slice(0, 1));
  clock.schedule(DRIP_INTERVAL_MS, () => drip(clock, response, left.length > 1 ? left.slice(1) : left));
}
