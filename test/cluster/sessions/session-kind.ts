/** What clients do one session after another, as a value, so that a process of its own can be told. */
import { type GrpcClientOptions, grpcClient } from './grpc-session.ts';
import { responseSession } from './response-session.ts';
import type { Session } from './session.ts';
import { udpFlow, udpQuestion } from './udp-session.ts';
import { webSocketSession } from './websocket-session.ts';

export interface SessionKind {
  readonly name: string;
  /** How many clients have one such session after another. */
  readonly clients: number;
  /** They begin one after another in this time; default: 2 s. */
  readonly spreadMs?: number;
  readonly session: SessionDescription;
}

/** Its parts are those of the function that makes it. */
type SessionDescription =
  | { readonly type: 'response'; readonly port: number; readonly path: string }
  | { readonly type: 'webSocket'; readonly port: number; readonly lastsMs: number }
  | ({ readonly type: 'grpc' } & GrpcClientOptions)
  | { readonly type: 'udpQuestion'; readonly port: number }
  | { readonly type: 'udpFlow'; readonly port: number; readonly lastsMs: number; readonly movesMax: number };

/** Made once for each client, so that a client may keep something from one session to the next. */
export function sessionClient(session: SessionDescription): Session {
  switch (session.type) {
    case 'response':
      return responseSession(session.port, session.path);
    case 'webSocket':
      return webSocketSession(session.port, session.lastsMs);
    case 'grpc':
      return grpcClient(session);
    case 'udpQuestion':
      return udpQuestion(session.port);
    case 'udpFlow':
      return udpFlow(session.port, session.lastsMs, session.movesMax);
  }
}
