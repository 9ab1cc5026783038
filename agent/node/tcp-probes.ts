import { Socket } from 'node:net';
import type { ProbeAnswer, ProbeSource } from './probe-source.ts';

/** Nobody listens there, but the machine, or something on its behalf, said so. */
const REFUSED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET']);

/** Probes through the node's own network. */
export function tcpProbes(): ProbeSource {
  return { connect };
}

function connect(address: string, port: number, signal: AbortSignal): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    // A signal that has aborted destroys the socket with an AbortError, which is told by the signal's own reason.
    const socket = new Socket({ signal });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) reject(signal.reason);
      else resolve(REFUSED.has(error.code ?? '') ? 'refused' : 'unreachable');
    });
    socket.connect({ host: address, port }, () => {
      // A reset leaves nothing in TIME_WAIT, and no half-closed connection with the Pod.
      socket.resetAndDestroy();
      resolve('connected');
    });
  });
}
