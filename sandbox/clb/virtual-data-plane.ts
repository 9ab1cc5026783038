import type { Endpoint } from './forwarder.ts';
import type { Connection } from './forwarding.ts';
import type { ClbServer } from './server.ts';

/** The data plane where connections are records, not sockets. It is the same forwarding as behind real sockets. */
export interface VirtualDataPlane {
  /** Where a client would be sent now, without connecting; undefined when it would be refused. Uses up one turn. */
  choose(endpoint: Endpoint, clientAddress: string): Connection['target'] | undefined;
  /**
   * A connection to the target chosen now; undefined when the client is refused. The caller decides whether the target
   * takes it. `onCut` is called when the load balancer ends it.
   */
  connect(endpoint: Endpoint, clientAddress: string, onCut: () => void): Connection | undefined;
}

export function virtualDataPlane({ forwarding }: ClbServer): VirtualDataPlane {
  return {
    choose(endpoint, clientAddress) {
      const connection = forwarding.open(endpoint, clientAddress, () => undefined);
      connection?.close();
      return connection?.target;
    },
    connect: (endpoint, clientAddress, onCut) => forwarding.open(endpoint, clientAddress, onCut),
  };
}
