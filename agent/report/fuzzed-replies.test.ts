import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ReportChannelError } from '../../common/report-transport.ts';
import { ReportResponse, ReportServiceService } from '../../proto/gen/clbdirect/v1/report.ts';
import { ACK, makeCertificate } from './coordinator.fixture.ts';
import { COORDINATOR_SERVER_NAME, grpcReportConnector } from './grpc-connector.ts';

const RUNS = { numRuns: 150 };
const GRPC_HEADERS = { ':status': 200, 'content-type': 'application/grpc' };

let folder: string;
let certificate: { readonly certificate: string; readonly privateKey: string };
let closeServer: () => void;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-fuzz-'));
  certificate = await makeCertificate(COORDINATOR_SERVER_NAME);
  await writeFile(join(folder, 'ca.crt'), certificate.certificate);
  await writeFile(join(folder, 'token'), 'token');
});
afterEach(() => closeServer());
afterAll(() => rm(folder, { recursive: true }));

/** Opens a stream to the port and takes all it gives. Resolves with how it ended; anything but a typed end is a failure. */
async function takeAll(port: number): Promise<{ messages: number; end: 'closed' | ReportChannelError }> {
  const connector = grpcReportConnector({
    host: '127.0.0.1',
    port,
    certificateAuthorityFile: join(folder, 'ca.crt'),
    tokenFile: join(folder, 'token'),
  });
  const channel = await connector.connect(`127.0.0.1:${port}`, new AbortController().signal);
  let messages = 0;
  try {
    for await (const _ of channel.received()) messages += 1;
    return { messages, end: 'closed' };
  } catch (error) {
    if (!(error instanceof ReportChannelError)) throw error;
    return { messages, end: error };
  } finally {
    channel.close();
  }
}

/** Messages as a peer may send them that is broken: pieces of good ones between any bytes. */
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .tuple(fc.nat(40), fc.uint8Array({ maxLength: 8 }))
    .map(([cut, tail]) => Buffer.concat([Buffer.from(ReportResponse.encode(ACK).finish()).subarray(0, cut), tail])),
  // A sequence beyond what a number of JavaScript holds, a length beyond the message, a group that never ends.
  fc
    .constantFrom('120a08ffffffffffffffffff01', '0aff7f', '0b', '2207080110ffffffffffffffffff01')
    .map(hex => Buffer.from(hex, 'hex')),
);

describe('whatever bytes a coordinator sends', () => {
  test('as messages, the stream ends or goes on, and the agent lives', async () => {
    let toSend: readonly Uint8Array[] = [];
    const server = new Server();
    const definition = { ...ReportServiceService.report, responseSerialize: (bytes: Buffer) => Buffer.from(bytes) };
    server.addService(
      { report: definition },
      {
        report: (call: ServerDuplexStream<unknown, Uint8Array>) => {
          call.on('error', () => {});
          for (const bytes of toSend) call.write(bytes);
          call.end();
        },
      },
    );
    const pair = { cert_chain: Buffer.from(certificate.certificate), private_key: Buffer.from(certificate.privateKey) };
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    closeServer = () => server.forceShutdown();
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(payload, { maxLength: 4 }), async messages => {
        toSend = messages;
        const { end } = await takeAll(port);
        ends.add(end === 'closed' ? end : end.kind);
      }),
      RUNS,
    );
    expect(ends).toEqual(new Set(['closed', 'broken']));
  }, 60_000);

  test('within HTTP/2, the stream ends with a reason', async () => {
    let reply = (_: ServerHttp2Stream) => {};
    const server = createSecureServer({ cert: certificate.certificate, key: certificate.privateKey });
    server.on('stream', stream => {
      stream.on('error', () => {});
      reply(stream);
    });
    const port = await listen(server);
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom(hex('00000000'), hex('01ffffffff'), hex('0000000002')),
    );
    const headers = fc.constantFrom(
      GRPC_HEADERS,
      { ...GRPC_HEADERS, 'grpc-encoding': 'gzip' },
      { ...GRPC_HEADERS, 'grpc-status': 'none' },
      { ':status': 200, 'content-type': 'text/html' },
      { ':status': 503 },
    );
    await fc.assert(
      fc.asyncProperty(headers, fc.array(frame, { maxLength: 4 }), fc.boolean(), async (head, frames, isReset) => {
        reply = stream => {
          stream.respond(head);
          for (const bytes of frames) stream.write(bytes);
          if (isReset) stream.close(2);
          else stream.end();
        };
        expect((await takeAll(port)).end).toBeInstanceOf(ReportChannelError);
      }),
      RUNS,
    );
  }, 60_000);

  test('instead of HTTP/2, the stream ends with a reason', async () => {
    let bytesToSend: Uint8Array = new Uint8Array();
    const options = { cert: certificate.certificate, key: certificate.privateKey, ALPNProtocols: ['h2'] };
    const server = createTlsServer(options, socket => {
      socket.on('error', () => {});
      socket.end(bytesToSend);
    });
    const port = await listen(server);
    // A SETTINGS frame first makes what follows a connection that was established.
    const bytes = fc
      .tuple(fc.boolean(), fc.uint8Array({ maxLength: 256 }))
      .map(([isGreeted, rest]) => Buffer.concat([isGreeted ? hex('000000040000000000') : hex(''), rest]));
    await fc.assert(
      fc.asyncProperty(bytes, async sent => {
        bytesToSend = sent;
        expect((await takeAll(port)).end).toBeInstanceOf(ReportChannelError);
      }),
      { numRuns: 50 },
    );
  }, 60_000);
});

async function listen(server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', socket => sockets.add(socket));
  closeServer = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
