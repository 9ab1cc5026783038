/** gRPC streams over HTTP/2 without a library of gRPC: one would repeat what fails, and hide it. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { every, lost, runSession, type Session, type SessionContext, type SessionEnd, whole } from './session.ts';

/** A bidirectional stream whose every message is echoed. */
export const chatPath = '/clbdirect.test.Sessions/Chat';

const messageIntervalMs = 500;
const closingMs = 5_000;
/** By the HTTP/2 standard the server has not looked at such a stream; every gRPC client repeats it on another connection. */
const refusalsMax = 3;

export interface GrpcClientOptions {
  readonly port: number;
  /** Of each stream, before the client closes its half. */
  readonly lastsMs: number;
  /** After which the client makes another connection; Infinity: it keeps the one it has, as gRPC clients do. */
  readonly streamsPerConnection: number;
}

/** Streams one after another on a connection that the client keeps, until it or the server (GOAWAY) leaves it. */
export function grpcClient({ port, lastsMs, streamsPerConnection }: GrpcClientOptions): Session {
  let connection: ClientHttp2Session | undefined;
  let streams = 0;
  const current = (context: SessionContext): ClientHttp2Session => {
    if (connection !== undefined && !connection.closed && !connection.destroyed && streams < streamsPerConnection) {
      streams += 1;
      return connection;
    }
    connection?.close();
    streams = 1;
    connection = openConnection(context, port);
    return connection;
  };
  return async context => {
    for (let refusals = 0; ; refusals += 1) {
      const end = await chat(context, current(context), lastsMs);
      if (end.kind !== 'refused') return end;
      connection = undefined;
      if (refusals === refusalsMax) return lost(`refused ${refusals + 1} times`);
    }
  };
}

function openConnection(context: SessionContext, port: number): ClientHttp2Session {
  const { host, clientAddress: localAddress, signal } = context;
  const createConnection = () => connectTcp({ host, port, localAddress, noDelay: true });
  const connection = connect(`http://${host}:${port}`, { createConnection });
  // No new streams; those that are open go on.
  connection.on('goaway', () => connection.close());
  // Told by its streams; without one it is the close of an idle connection.
  connection.on('error', () => {});
  signal.addEventListener('abort', () => connection.destroy(), { once: true });
  return connection;
}

type ChatEnd = SessionEnd | { readonly kind: 'refused' };

async function chat(context: SessionContext, connection: ClientHttp2Session, lastsMs: number): Promise<ChatEnd> {
  let wasRefused = false;
  const end = await runSession(context, lastsMs + closingMs, settle => {
    const stream = connection.request({
      ':method': 'POST',
      ':path': chatPath,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const stop = talk(context, stream, lastsMs, settle);
    stream.on('close', () => {
      wasRefused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    });
    return () => {
      stop();
      stream.destroy();
    };
  });
  return end.kind === 'lost' && wasRefused ? { kind: 'refused' } : end;
}

/** Returns what ends it. */
function talk(
  { clock }: SessionContext,
  stream: ClientHttp2Stream,
  lastsMs: number,
  settle: (end: SessionEnd) => void,
): () => void {
  const endsAt = clock.now() + lastsMs;
  let sent = 0;
  let bytes = 0;
  let status: string | undefined;
  const message = grpcMessage('a message of the client');
  const stop = every(clock, messageIntervalMs, () => {
    if (stream.writableEnded || stream.destroyed) return;
    if (clock.now() >= endsAt) stream.end();
    else {
      sent += 1;
      stream.write(message);
    }
  });
  const noteStatus = (headers: Record<string, unknown>) => {
    if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status']);
  };
  stream.on('response', noteStatus);
  stream.on('trailers', noteStatus);
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    const answered = bytes / message.length;
    if (status === '0' && answered === sent) settle(whole);
    else
      settle(lost(`grpc-status ${status ?? 'none'}, ${answered} of ${sent} answered, HTTP/2 code ${stream.rstCode}`));
  });
  return stop;
}

/** Not compressed, its length, itself. */
function grpcMessage(text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([head, Buffer.from(text)]);
}
