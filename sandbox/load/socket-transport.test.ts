import { fork } from 'node:child_process';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { createServerCertificate } from '../kube/api/certificates.ts';
import { runLoad } from './run-load.ts';
import { socketTransport } from './socket-transport.ts';

const never = new AbortController().signal;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server on loopback that hands each connection to `serve`. */
async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {});
    closers.push(() => socket.destroy());
    serve(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function get(port: number, signal: AbortSignal = never) {
  const connection = await socketTransport({ host: '127.0.0.1', port }).open('127.200.0.1', signal);
  closers.push(() => connection.close());
  return { connection, response: connection.exchange('/', { signal, isLast: false }) };
}

describe('socketTransport', () => {
  test('asks from the given address', async () => {
    const port = await listen(socket => {
      socket.once('data', () => {
        const address = socket.remoteAddress ?? '';
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${address.length}\r\n\r\n${address}`);
      });
    });
    const { response } = await get(port);
    expect(await response).toMatchObject({ status: 200, body: '127.200.0.1' });
  });

  test('asks over TLS, by the name of the host', async () => {
    const about = { commonName: 'load', addresses: [], names: [], wallNowMs: systemClock().wallNow() };
    const { certificatePem: cert, privateKeyPem: key } = await createServerCertificate(about);
    const server = createSecureServer({ cert, key }, (request, response) => {
      response.end(`${(request.socket as TLSSocket).servername} ${request.headers.host}`);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const options = { host: '127.0.0.1', port, hostHeader: 'www.example.com:8443', isSecure: true };
    const connection = await socketTransport(options).open('127.200.0.1', never);
    const first = await connection.exchange('/', { signal: never, isLast: false });
    expect(first.body).toBe('www.example.com www.example.com:8443');
    expect((await connection.exchange('/', { signal: never, isLast: true })).status).toBe(200);
    expect(connection.isOpen).toBe(false);
  });

  test('asks for the given host', async () => {
    const port = await listen(socket => {
      socket.once('data', request => {
        const host = /^Host: (.*)\r$/m.exec(String(request))?.[1] ?? '';
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${host.length}\r\n\r\n${host}`);
      });
    });
    const transport = socketTransport({ host: '127.0.0.1', port, hostHeader: 'www.example.com' });
    const connection = await transport.open(undefined, never);
    closers.push(() => connection.close());
    expect((await connection.exchange('/', { signal: never, isLast: false })).body).toBe('www.example.com');
  });

  test('tells a refused connection', async () => {
    const port = await listen(() => {});
    for (const close of closers.splice(0)) close();
    await expect(get(port)).rejects.toMatchObject({ reason: 'refused' });
  });

  test.each<[string, (socket: Socket) => void, string, string]>([
    ['a reset', socket => socket.resetAndDestroy(), 'reset', 'ECONNRESET'],
    ['a close without answer', socket => socket.end(), 'truncated', 'without answer'],
    ['a close within the answer', socket => socket.end(ANSWER.slice(0, -1)), 'truncated', 'breaks off'],
    ['what is no HTTP', socket => socket.end('SSH-2.0\r\n\r\n'), 'other', 'SSH-2.0'],
  ])('tells %s', async (_, answer, reason, detail) => {
    const port = await listen(socket => socket.once('data', () => answer(socket)));
    const { connection, response } = await get(port);
    await expect(response).rejects.toMatchObject({ reason, message: expect.stringContaining(detail) });
    expect(connection.isOpen).toBe(false);
  });

  test('a reset after a whole answer harms nobody', async () => {
    const port = await listen(socket =>
      socket.once('data', () => {
        socket.write(ANSWER, () => socket.resetAndDestroy());
      }),
    );
    const { response } = await get(port);
    expect((await response).body).toBe('ok');
  });

  test('a connection that the server closes while it is idle shows as closed', async () => {
    let accepted: Socket | undefined;
    const port = await listen(socket => {
      accepted = socket;
      socket.on('data', () => socket.write(ANSWER));
    });
    const { connection, response } = await get(port);
    await response;
    expect(connection.isOpen).toBe(true);
    accepted?.end();
    await expect.poll(() => connection.isOpen).toBe(false);
  });

  test("gives up with the signal's reason, and closes", async () => {
    const controller = new AbortController();
    const port = await listen(socket => socket.once('data', () => controller.abort(new Error('too late'))));
    const { connection, response } = await get(port, controller.signal);
    await expect(response).rejects.toThrow('too late');
    expect(connection.isOpen).toBe(false);
  });
});

describe('the load generator', () => {
  const options = (port: number) => ({
    transport: socketTransport({ host: '127.0.0.1', port }),
    clock: systemClock(),
    random: seededRandom(1),
    path: '/',
    rate: 200,
    durationMs: 1500,
    clientAddresses: ['127.200.0.1', '127.200.0.2'],
    keepAliveClients: 5,
    keepAliveGapMaxMs: 100,
    longClients: 1,
    longPath: '/hold?seconds=1',
    timeoutMs: 5000,
    longTimeoutMs: 5000,
    inFlightMax: 1000,
  });

  /** A server in a process of its own. */
  async function start(): Promise<{ port: number; kill: () => void; answered: () => Promise<number> }> {
    const child = fork(new URL('./counting-server-main.ts', import.meta.url), { execPath: process.execPath });
    closers.push(() => child.kill('SIGKILL'));
    const next = () => new Promise<number>(resolve => child.once('message', value => resolve(Number(value))));
    const port = await next();
    const answered = () => {
      const count = next();
      child.send('count');
      return count;
    };
    return { port, kill: () => child.kill('SIGKILL'), answered };
  }

  test('loses nothing against a healthy server, and agrees with what that server counted', async () => {
    const server = await start();
    const report = await runLoad(options(server.port), never);
    expect(report).toMatchObject({ lostTotal: 0, notSent: 0 });
    expect(report.sentByKind.fresh).toBeGreaterThanOrEqual(300);
    expect(report.sentByKind.keepAlive).toBeGreaterThan(20);
    expect(report.ok).toBe(report.sent);
    expect(await server.answered()).toBe(report.ok);
  });

  test('sees that a server is killed under load', async () => {
    const server = await start();
    let seconds = 0;
    const onProgress = () => {
      seconds += 1;
      if (seconds === 1) server.kill();
    };
    const report = await runLoad({ ...options(server.port), onProgress }, never);
    expect(report.lost.refused).toBeGreaterThan(0);
    expect(report.sent).toBe(report.ok + report.lostTotal);
  });
});
