/** Pods that take every kind of session (`../images/sessions.ts`), with a Service for all their ports, and nginx. */
import type { EchoWorkload } from '../product/echo-workload.ts';
import type { SessionKind } from './session-kind.ts';

/** Where the Pods listen for HTTP and WebSocket; behind port 80. */
export const httpTargetPort = 8_080;
const grpcPort = 9_090;
/** Nobody counts connections there, and what lasts is moved. */
export const udpPort = 5_353;

const servicePorts = [
  { name: 'http', port: 80, targetPort: httpTargetPort },
  { name: 'grpc', port: grpcPort },
  { name: 'udp', port: udpPort, protocol: 'UDP' },
];

/** @param drainSeconds the budget that the Pods name; default: none */
export function sessionPods(drainSeconds?: number): Partial<EchoWorkload> {
  return {
    ...budget(drainSeconds),
    servicePorts,
    container: { command: ['/usr/local/bin/node', '/srv/sessions.cjs'] },
  };
}

/** @param image `nginx` (SIGTERM ends its answers) or `nginx-graceful` (SIGQUIT lets them end) */
export function nginxPods(image: 'nginx' | 'nginx-graceful', drainSeconds?: number): Partial<EchoWorkload> {
  return {
    ...budget(drainSeconds),
    servicePorts: [{ port: 80 }],
    container: {
      image,
      readinessProbe: { httpGet: { port: 80, path: '/' }, periodSeconds: 1 },
      securityContext: {},
    },
    template: { securityContext: {} },
  };
}

function budget(drainSeconds: number | undefined): Pick<EchoWorkload, 'annotations'> {
  return drainSeconds === undefined ? {} : { annotations: { 'clb-direct.io/drain-seconds': String(drainSeconds) } };
}

/** Begun at any moment before a drain. */
const spreadMs = 15_000;

export function responsesOf30s(clients: number): SessionKind {
  const session = { type: 'response', port: 80, path: '/stream?seconds=30' } as const;
  return { name: 'response of 30 s', clients, spreadMs, session };
}

/** Of nginx. */
export const responsesOf40s: SessionKind = {
  ...{ name: 'response of 40 s', clients: 15, spreadMs },
  session: { type: 'response', port: 80, path: '/slower' },
};

/** Those whose connections end by themselves within seconds. */
export const briefSessions: readonly SessionKind[] = [
  { name: 'WebSocket of 8 s', clients: 10, session: { type: 'webSocket', port: 80, lastsMs: 8_000 } },
  {
    name: 'gRPC stream of 4 s, two on a connection',
    clients: 10,
    session: { type: 'grpc', port: grpcPort, lastsMs: 4_000, streamsPerConnection: 2 },
  },
  { name: 'UDP question', clients: 4, session: { type: 'udpQuestion', port: udpPort } },
  { name: 'UDP flow of 3 s', clients: 6, session: { type: 'udpFlow', port: udpPort, lastsMs: 3_000, movesMax: 0 } },
];

/** Those whose connections the client never ends. */
export const keptSessions: readonly SessionKind[] = [
  { name: 'WebSocket that stays', clients: 8, session: { type: 'webSocket', port: 80, lastsMs: Infinity } },
  {
    name: 'gRPC stream of 8 s on a connection that stays',
    clients: 8,
    session: { type: 'grpc', port: grpcPort, lastsMs: 8_000, streamsPerConnection: Infinity },
  },
];

/** Nobody can see when such a flow has ended: it is moved from each of three Pods. */
export const keptFlow: SessionKind = {
  name: 'UDP flow that stays',
  clients: 4,
  session: { type: 'udpFlow', port: udpPort, lastsMs: Infinity, movesMax: 3 },
};
