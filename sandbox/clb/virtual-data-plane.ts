import type { Endpoint, RequestFacts } from './forwarder.ts';
import type { ClientConnection, Connection } from './forwarding.ts';
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
  /** Where a request on a new connection to a listener of layer 7 would be sent now. Uses up one turn. */
  route(endpoint: Endpoint, request: RequestFacts): Connection['target'] | undefined;
  /**
   * A connection to a listener of layer 7; undefined when the client is refused. Each of its requests gets a target of
   * its own; the caller notes whether that one was reached and, if it was not, asks again for another.
   */
  accept(endpoint: Endpoint): ClientConnection | undefined;
}

export function virtualDataPlane({ forwarding }: ClbServer): VirtualDataPlane {
  return {
    choose(endpoint, clientAddress) {
      const connection = forwarding.open(endpoint, clientAddress, () => undefined);
      connection?.close();
      return connection?.target;
    },
    connect: (endpoint, clientAddress, onCut) => forwarding.open(endpoint, clientAddress, onCut),
    route(endpoint, request) {
      const turn = forwarding.accept(endpoint)?.request(request, () => undefined);
      if (turn?.kind !== 'target') return undefined;
      turn.close();
      return turn.target;
    },
    accept: endpoint => forwarding.accept(endpoint),
  };
}
