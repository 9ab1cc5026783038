import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ClbError } from './clb-error.ts';
import { parseCall, parseEdit, parseNames, parseSeed } from './control-elsewhere.ts';
import { parseFault } from './control-faults.ts';
import { changedSettings } from './control-settings.ts';
import { readBody } from './http-body.ts';
import type { ClbServer } from './server.ts';

/** A value to answer with, or lines of JSON. */
type Reply = { readonly json: unknown } | { readonly lines: readonly unknown[] };
type Handler = (body: () => Promise<unknown>, query: URLSearchParams) => Promise<Reply> | Reply;

/**
 * The sandbox's own knobs, for tests and demonstrations; production code never sees them. See README.md for the paths.
 */
export function controlServer(server: ClbServer): Server {
  const routes = routesOf(server);
  return createServer((request, response) => {
    handle(routes, request, response).catch(() => request.socket.destroy());
  });
}

function routesOf(server: ClbServer): Readonly<Record<string, Handler>> {
  const initialSettings = server.settings();
  return {
    'GET /_control/journal': (_, query) => ({ lines: server.journal.records(Number(query.get('after') ?? 0)) }),
    'GET /_control/state': () => ({ json: { forwarders: server.forwarding.view() } }),
    'GET /_control/settings': () => ({ json: server.settings() }),
    'POST /_control/settings': async body => {
      server.configure(changedSettings(server.settings(), await body()));
      return { json: server.settings() };
    },
    'GET /_control/faults': () => ({ json: server.faults.list() }),
    'POST /_control/faults': async body => {
      server.faults.add(parseFault(await body()));
      return { json: server.faults.list() };
    },
    'DELETE /_control/faults': () => {
      server.faults.clear();
      return { json: [] };
    },
    'POST /_control/reset': () => {
      server.faults.clear();
      server.elsewhere.acceptAll();
      server.configure(initialSettings);
      return { json: server.settings() };
    },
    ...elsewhereRoutes(server),
  };
}

function elsewhereRoutes({ elsewhere }: ClbServer): Readonly<Record<string, Handler>> {
  return {
    'POST /_control/load-balancers': async body => ({ json: elsewhere.seed(parseSeed(await body())) }),
    'PATCH /_control/load-balancers': async body => {
      const { id, edit } = parseEdit(await body());
      elsewhere.edit(id, edit);
      return { json: { id, ...edit } };
    },
    'POST /_control/refusals': async body => {
      elsewhere.refuse(parseNames(await body()));
      return { json: elsewhere.refused() };
    },
    'DELETE /_control/refusals': async body => {
      elsewhere.accept(parseNames(await body()));
      return { json: elsewhere.refused() };
    },
    'POST /_control/releases': async body => {
      elsewhere.release(parseNames(await body()));
      return { json: elsewhere.refused() };
    },
    'POST /_control/calls': async body => {
      const { action, parameters, atOnce } = parseCall(await body());
      return { json: await (atOnce ? elsewhere.writeAtOnce(action, parameters) : elsewhere.call(action, parameters)) };
    },
  };
}

async function handle(
  routes: Readonly<Record<string, Handler>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://control');
  const name = `${request.method} ${url.pathname}`;
  const handler = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (!handler) return send(response, 404, { error: `no ${name}; there are ${Object.keys(routes).join(', ')}` });
  const body = async () => parsed(await readBody(request));
  try {
    const reply = await handler(body, url.searchParams);
    if ('json' in reply) send(response, 200, reply.json);
    else sendLines(response, reply.lines);
  } catch (error) {
    if (!(error instanceof ClbError || error instanceof RangeError)) throw error;
    send(response, 400, { error: error.message, ...(error instanceof ClbError ? { code: error.code } : {}) });
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body === '' ? '{}' : body);
  } catch {
    throw new ClbError('InvalidRequest', 'The body is not JSON.');
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}

function sendLines(response: ServerResponse, values: readonly unknown[]): void {
  response.writeHead(200, { 'content-type': 'application/jsonl' });
  for (const value of values) response.write(`${JSON.stringify(value)}\n`);
  response.end();
}
