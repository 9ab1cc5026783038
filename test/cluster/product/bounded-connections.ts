import type { Clock } from '../../../common/clock.ts';
import type { LoadTransport } from '../../../sandbox/load/load-transport.ts';

/** Connections that their client closes between two requests once they are `lifetimeMs` old, as browsers and pools do. */
export function boundedConnections(clock: Clock, transport: LoadTransport, lifetimeMs: number): LoadTransport {
  return {
    async open(localAddress, signal) {
      const connection = await transport.open(localAddress, signal);
      const endAtMs = clock.now() + lifetimeMs;
      return {
        get isOpen() {
          return connection.isOpen;
        },
        async exchange(path, options) {
          const response = await connection.exchange(path, options);
          if (clock.now() >= endAtMs) connection.close();
          return response;
        },
        close: () => connection.close(),
      };
    },
  };
}
