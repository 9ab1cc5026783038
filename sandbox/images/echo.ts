import { createSocket, type Socket } from 'node:dgram';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Clock, sleep, systemClock } from '../../common/clock.ts';
import { explainListenError, type ImageEnvironment, imageEnvironment } from './image-environment.ts';
import { RequestCounters } from './request-counters.ts';

const KEEP_ALIVE_MS = 75_000;
const STREAM_PERIOD_MS = 200;
const SECONDS_MAX = 600;

/**
 * An HTTP server that tells who answered and who asked, and a UDP echo on the same port. `/hold?seconds=N` answers after
 * N seconds, `/stream?seconds=N` sends a line every 200 ms and `end` as the last, `/counters` tells what was served.
 * SIGTERM stops accepting, finishes what is in flight and closes idle connections: an application that stops gracefully.
 */
class EchoServer {
  readonly #environment: ImageEnvironment;
  readonly #clock: Clock;
  readonly #counters: RequestCounters;
  readonly #server: Server;
  readonly #datagrams: Socket;
  #isStopping = false;

  constructor(environment: ImageEnvironment, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
    this.#counters = new RequestCounters(environment);
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      this.#observe(request, response);
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#datagrams = createSocket('udp4', (message, client) => {
      this.#counters.observeDatagram();
      const body = { pod: environment.podName, clientAddress: client.address, data: message.toString() };
      this.#datagrams.send(JSON.stringify(body), client.port, client.address);
    });
  }

  listen(): void {
    const { port, address } = this.#environment;
    const fail = (error: NodeJS.ErrnoException) => {
      process.stderr.write(`echo ${explainListenError(error, this.#environment)}\n`);
      process.exit(1);
    };
    this.#server.once('error', fail).listen(port, address);
    this.#datagrams.once('error', fail).bind(port, address);
  }

  stop(): void {
    this.#isStopping = true;
    this.#server.close(() => {
      this.#counters.report();
      process.exit(0);
    });
  }

  #observe(request: IncomingMessage, response: ServerResponse): void {
    this.#counters.observe(request, response);
    // A connection whose response began before the stop is closed after it.
    response.once('finish', () => {
      if (this.#isStopping) request.socket.end();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { podName: pod, podUid } = this.#environment;
    const url = new URL(request.url ?? '/', 'http://echo');
    const hangUp = new AbortController();
    response.once('close', () => hangUp.abort());
    response.setHeader('x-served-by', pod);
    switch (url.pathname) {
      case '/counters':
        this.#tell(response, this.#counters.values());
        return;
      case '/stream':
        await this.#stream(response, secondsOf(url), hangUp.signal);
        return;
      case '/hold':
        await sleep(this.#clock, secondsOf(url) * 1000, hangUp.signal);
    }
    const { remoteAddress: clientAddress, remotePort: clientPort } = request.socket;
    this.#tell(response, { pod, podUid, clientAddress, clientPort, path: url.pathname });
  }

  #tell(response: ServerResponse, body: object): void {
    if (this.#isStopping) response.setHeader('connection', 'close');
    response.setHeader('content-type', 'application/json').end(`${JSON.stringify(body)}\n`);
  }

  async #stream(response: ServerResponse, seconds: number, signal: AbortSignal): Promise<void> {
    response.setHeader('content-type', 'text/plain');
    const endsAt = this.#clock.now() + seconds * 1000;
    for (let line = 1; this.#clock.now() < endsAt; line++) {
      response.write(`${line} ${this.#environment.podName}\n`);
      await sleep(this.#clock, STREAM_PERIOD_MS, signal);
    }
    response.end('end\n');
  }
}

function secondsOf(url: URL): number {
  const seconds = Number(url.searchParams.get('seconds') ?? 1);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), SECONDS_MAX) : 1;
}

const echo = new EchoServer(imageEnvironment(process.env, process.argv.slice(2), 8080), systemClock());
process.once('SIGTERM', () => echo.stop());
process.once('SIGINT', () => echo.stop());
echo.listen();
