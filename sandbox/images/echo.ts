import { createSocket } from 'node:dgram';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { sleep, systemClock } from '../../common/clock.ts';
import { explainListenError, imageEnvironment } from './image-environment.ts';
import { RequestCounters } from './request-counters.ts';

/**
 * An HTTP server that tells who answered and who asked, and a UDP echo on the same port. `/hold?seconds=N` answers after
 * N seconds, `/stream?seconds=N` sends a line every 200 ms and `end` as the last, `/counters` tells what was served.
 * SIGTERM stops accepting, finishes what is in flight and closes idle connections: an application that stops gracefully.
 */
const KEEP_ALIVE_MS = 75_000;
const STREAM_PERIOD_MS = 200;
const SECONDS_MAX = 600;

const environment = imageEnvironment(process.env, process.argv.slice(2), 8080);
const counters = new RequestCounters(environment);
const clock = systemClock();
let isStopping = false;

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  counters.observe(request, response);
  // A connection whose response began before the stop is closed after it.
  response.once('finish', () => {
    if (isStopping) request.socket.end();
  });
  answer(request, response).catch(() => response.destroy());
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://echo');
  const hangUp = new AbortController();
  response.once('close', () => hangUp.abort());
  response.setHeader('x-served-by', environment.podName);
  switch (url.pathname) {
    case '/counters':
      return tell(response, counters.values());
    case '/hold':
      await sleep(clock, secondsOf(url) * 1000, hangUp.signal);
      break;
    case '/stream':
      return stream(response, secondsOf(url), hangUp.signal);
  }
  const { podName: pod, podUid } = environment;
  const { remoteAddress: clientAddress, remotePort: clientPort } = request.socket;
  tell(response, { pod, podUid, clientAddress, clientPort, path: url.pathname });
}

function tell(response: ServerResponse, body: object): void {
  if (isStopping) response.setHeader('connection', 'close');
  response.setHeader('content-type', 'application/json').end(`${JSON.stringify(body)}\n`);
}

async function stream(response: ServerResponse, seconds: number, signal: AbortSignal): Promise<void> {
  response.setHeader('content-type', 'text/plain');
  const endsAt = clock.now() + seconds * 1000;
  for (let line = 1; clock.now() < endsAt; line++) {
    response.write(`${line} ${environment.podName}\n`);
    await sleep(clock, STREAM_PERIOD_MS, signal);
  }
  response.end('end\n');
}

function secondsOf(url: URL): number {
  const seconds = Number(url.searchParams.get('seconds') ?? 1);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), SECONDS_MAX) : 1;
}

const datagrams = createSocket('udp4');
datagrams.on('message', (message, client) => {
  counters.observeDatagram();
  const answerText = { pod: environment.podName, clientAddress: client.address, data: message.toString() };
  datagrams.send(JSON.stringify(answerText), client.port, client.address);
});

function stop(): void {
  isStopping = true;
  server.close(() => {
    counters.report();
    process.exit(0);
  });
}

function fail(error: NodeJS.ErrnoException): void {
  process.stderr.write(`echo ${explainListenError(error, environment)}\n`);
  process.exit(1);
}

process.once('SIGTERM', stop);
process.once('SIGINT', stop);
server.once('error', fail);
datagrams.once('error', fail);
datagrams.bind(environment.port, environment.address);
server.listen(environment.port, environment.address);
