import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Clock } from '../../common/clock.ts';

/**
 * Takes no new connections and answers what has come. Resolves when all is answered, or after `graceMs`, when what is
 * left is cut.
 */
export function stopServer(server: Server | SecureServer, clock: Clock, graceMs: number): Promise<void> {
  return new Promise(resolve => {
    // Connections still in their TLS handshake are not known to the server; they end by its handshake timeout.
    const timer = clock.schedule(graceMs, () => {
      server.closeAllConnections();
      resolve();
    });
    server.close(() => {
      timer.cancel();
      resolve();
    });
    server.closeIdleConnections();
  });
}
