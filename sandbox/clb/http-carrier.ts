import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../common/clock.ts';
import { type Random, randomUuid } from '../../common/random.ts';
import { ClbError } from './clb-error.ts';
import { readBody } from './http-body.ts';
import type { ClbServer } from './server.ts';
import { type Credentials, verifySignature } from './signature.ts';

const VERSION = '2018-03-17';

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
    // A lost reply, a body without end, or our own mistake: the client learns nothing.
    if (!(error instanceof ClbError) || error.code === '') throw error;
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
  response.end(JSON.stringify({ Response: inside }));
}
