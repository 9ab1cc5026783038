import { createConnection, type Socket } from 'node:net';
import type { ByteConnector, ByteStream } from './byte-stream.ts';

/** Connects to a unix socket. */
export function unixConnector(path: string): ByteConnector {
  return { connect: signal => connect(path, signal) };
}

function connect(path: string, signal: AbortSignal): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    const onAbort = () => socket.destroy(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const onError = (error: Error) => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      resolve(streamOf(socket));
    });
  });
}

function streamOf(socket: Socket): ByteStream {
  // Whoever reads is told of a break; without a reader it must not end the process.
  socket.on('error', () => undefined);
  return {
    write: bytes => void socket.write(bytes),
    received: () => socket[Symbol.asyncIterator](),
    close: () => void socket.destroy(),
  };
}
