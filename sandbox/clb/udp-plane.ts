import { createSocket, type Socket } from 'node:dgram';
import type { Timer } from '../../common/clock.ts';
import type { Endpoint } from './forwarder.ts';
import type { Connection } from './forwarding.ts';
import type { PlaneListener, PlaneOptions } from './tcp-plane.ts';

/** How long a flow without datagrams lives: the real default of UDP listeners. */
const FLOW_IDLE_MS = 300_000;
/** Flows of one listener; datagrams of further clients are dropped. */
const FLOWS_MAX = 10_000;
/** Datagrams that wait for their flow's socket. */
const WAITING_MAX = 64;

interface Flow {
  readonly backend: Socket;
  readonly connection: Connection;
  /** Until the socket is connected. */
  waiting: Buffer[] | undefined;
  idle: Timer;
}

/**
 * Listens on `endpoint`, at `listenPort`. A client's address and port make a flow: it stays with its target until it is
 * cut or idle. The backend sees the client's own address.
 * @throws the system's error when it cannot listen.
 */
export async function listenUdp(options: PlaneOptions, endpoint: Endpoint, listenPort: number): Promise<PlaneListener> {
  const front = createSocket('udp4');
  const flows = new Map<string, Flow>();
  const end = (key: string) => {
    const flow = flows.get(key);
    if (!flow) return;
    flows.delete(key);
    flow.idle.cancel();
    flow.connection.close();
    flow.backend.close();
  };
  const idleTimer = (key: string) => options.clock.schedule(FLOW_IDLE_MS, () => end(key));
  front.on('message', (datagram, { address, port }) => {
    const key = `${address}:${port}`;
    const flow = flows.get(key) ?? begin(key, address, port);
    if (!flow) return;
    flow.idle.cancel();
    flow.idle = idleTimer(key);
    if (!flow.waiting) flow.backend.send(datagram);
    else if (flow.waiting.length < WAITING_MAX) flow.waiting.push(datagram);
  });
  const begin = (key: string, address: string, port: number): Flow | undefined => {
    if (flows.size >= FLOWS_MAX) return undefined;
    const connection = options.forwarding.open(endpoint, address, () => end(key));
    if (!connection) return undefined;
    const backend = createSocket('udp4');
    const flow: Flow = { backend, connection, waiting: [], idle: idleTimer(key) };
    flows.set(key, flow);
    // A refusal by the target moves nothing: the flow stays where it is. A socket that never came up is given up.
    backend.on('error', () => flow.waiting && end(key));
    backend.on('message', answer => front.send(answer, port, address));
    backend.bind({ address, port: 0 }, () => {
      if (flows.get(key) === flow)
        backend.connect(connection.target.port, connection.target.address, () => flush(flow));
    });
    return flow;
  };
  await bound(front, endpoint.vip, listenPort);
  front.on('error', () => undefined);
  return {
    close() {
      for (const key of [...flows.keys()]) end(key);
      return new Promise(resolve => front.close(() => resolve()));
    },
  };
}

function flush(flow: Flow): void {
  for (const datagram of flow.waiting ?? []) flow.backend.send(datagram);
  flow.waiting = undefined;
}

function bound(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port }, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
}
