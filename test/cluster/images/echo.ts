/**
 * The program of the image `echo`: tells which Pod answers and who asks, can hold an answer, and stops gracefully.
 *
 * `GET /?hold=SECONDS` answers after that time (at most 600). SIGTERM: no new connections, requests in flight are
 * answered, then exit code 0.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { sleep, systemClock } from '../../../common/clock.ts';

const holdSecondsMax = 600;
const clock = systemClock();
const server = createServer((request, response) => void answer(request, response));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://echo');
  const holdMs = Math.min(Number(url.searchParams.get('hold') ?? 0) || 0, holdSecondsMax) * 1000;
  await sleep(clock, holdMs, new AbortController().signal);
  const client = request.socket.remoteAddress?.replace('::ffff:', '') ?? '';
  const headers = { 'content-type': 'application/json', 'x-client-address': client };
  response.writeHead(200, server.listening ? headers : { ...headers, connection: 'close' });
  response.end(`${JSON.stringify({ pod: hostname(), client, path: url.pathname })}\n`);
}

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
server.listen(Number(process.env.PORT ?? 80));
