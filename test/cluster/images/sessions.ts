/**
 * The second program of the image `echo`, for clients that stay longer than a request.
 *
 * | port | what |
 * |---|---|
 * | 8080 | `GET /` answers at once, `/?hold=SECONDS` after that time, `/stream?seconds=N` with a line in every second; WebSocket: each text is echoed |
 * | 9090 | gRPC, without TLS: a bidirectional stream, each message is echoed |
 * | 5353 | UDP: each datagram is answered with the Pod's name and itself |
 *
 * SIGTERM: answers are finished, WebSockets are asked to leave (1001), gRPC says GOAWAY and lets its streams end; then exit code 0.
 * `GET /eat` takes memory until the kernel ends it; after `GET /ill` the path `/alive` answers 500.
 */
import { createSocket } from 'node:dgram';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { sleep, systemClock } from '../../../common/clock.ts';
import { chatPath } from '../sessions/grpc-session.ts';
import { every } from '../sessions/session.ts';
import { acceptKey, closeFrame, FrameReader, goingAway, textFrame } from '../sessions/websocket-frames.ts';

const holdSecondsMax = 600;
const eatenAtOnceBytes = 2 ** 24;
const clock = systemClock();
const running = new AbortController().signal;
const webSockets = new Set<Socket>();
const eaten: Buffer[] = [];
let isIll = false;

const http = createServer((request, response) => void answer(request, response));
http.on('upgrade', (request, socket: Socket) => converse(request, socket));
const rpc = new Server();

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sessions');
  const seconds = (name: string) => Math.min(Number(url.searchParams.get(name) ?? 0) || 0, holdSecondsMax);
  await sleep(clock, seconds('hold') * 1_000, running);
  if (url.pathname === '/ill') isIll = true;
  if (url.pathname === '/eat') every(clock, 1, () => eaten.push(Buffer.alloc(eatenAtOnceBytes, 1)));
  const status = isIll && url.pathname === '/alive' ? 500 : 200;
  const headers = { 'content-type': 'application/json' };
  response.writeHead(status, http.listening ? headers : { ...headers, connection: 'close' });
  for (let second = 0; second < seconds('seconds') && !response.destroyed; second += 1) {
    response.write(`second ${second}\n`);
    await sleep(clock, 1_000, running);
  }
  response.end(`${JSON.stringify({ pod: hostname(), path: url.pathname })}\n`);
}

function converse(request: IncomingMessage, socket: Socket): void {
  const accept = acceptKey(request.headers['sec-websocket-key'] ?? '');
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'));
  webSockets.add(socket);
  const reader = new FrameReader();
  socket.on('data', bytes => {
    for (const frame of reader.feed(bytes)) {
      if (frame.kind === 'text') socket.write(textFrame(frame.text, 'server'));
      else if (webSockets.delete(socket)) socket.end(closeFrame(frame.code, 'server'));
      else socket.end();
    }
  });
  // A server of HTTP leaves its half open, and an open half keeps a drain waiting.
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => webSockets.delete(socket));
}

function chat(stream: ServerDuplexStream<Buffer, Buffer>): void {
  stream.on('data', (message: Buffer) => stream.write(message));
  stream.on('end', () => stream.end());
  stream.on('error', () => {});
}

function listenRpc(): void {
  const asIs = (bytes: Buffer) => bytes;
  const serialization = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const definition = { path: chatPath, requestStream: true, responseStream: true, ...serialization } as const;
  rpc.addService({ chat: definition }, { chat });
  rpc.bindAsync('0.0.0.0:9090', ServerCredentials.createInsecure(), error => {
    if (error) throw error;
  });
}

function listenUdp(): void {
  const socket = createSocket('udp4');
  socket.on('message', (text, { port, address }) => socket.send(`${hostname()} ${text}`, port, address));
  socket.bind(5353);
}

process.on('SIGTERM', () => {
  const closed = new Promise<void>(resolve => http.close(() => resolve()));
  http.closeIdleConnections();
  for (const socket of webSockets) socket.write(closeFrame(goingAway, 'server'));
  webSockets.clear();
  const shut = new Promise<void>(resolve => rpc.tryShutdown(() => resolve()));
  void Promise.all([closed, shut]).then(() => process.exit(0));
});
http.listen(8080);
listenRpc();
listenUdp();
