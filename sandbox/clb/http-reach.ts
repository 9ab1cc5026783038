import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { ClientConnection, RequestRefusal, RequestTurn } from './forwarding.ts';
import { sessionOf } from './http-headers.ts';
import { cannotDial, dial } from './socket-pair.ts';
import { targetKey } from './state.ts';

export interface ReachOptions {
  readonly clock: Clock;
  readonly onError: (message: string) => void;
  readonly connection: ClientConnection;
}

/** A target that took a connection for the request. */
export interface Reached {
  readonly kind: 'reached';
  readonly turn: RequestTurn;
  readonly backend: Socket;
  /** Aborts when the load balancer ends the request. */
  readonly cut: AbortSignal;
}

export type ReachOutcome = Reached | RequestRefusal | { readonly kind: 'unreachable' | 'client-gone' };

/** After this a target counts as not reached, and the next one is tried. */
const CONNECT_TIMEOUT_MS = 4_000;
/** Targets tried for one request. */
const ATTEMPTS_MAX = 3;

/**
 * Connects to a target for the request, and to another one when that fails: nothing of the request was sent yet. Gives up
 * when `gone` aborts, because the client has left.
 */
export async function reach(options: ReachOptions, request: IncomingMessage, gone: AbortSignal): Promise<ReachOutcome> {
  const { headers, url = '/' } = request;
  const facts = { host: headers.host ?? '', path: url, session: sessionOf(headers.cookie) };
  const except = new Set<string>();
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const cut = new AbortController();
    const turn = options.connection.request({ ...facts, except }, () => cut.abort());
    if (turn.kind !== 'target') return except.size > 0 ? { kind: 'unreachable' } : turn;
    const stop = AbortSignal.any([gone, cut.signal]);
    const backend = await dialled(options, turn, { clientAddress: request.socket.remoteAddress ?? '', stop });
    if (backend) {
      turn.note({ reached: true });
      return { kind: 'reached', turn, backend, cut: cut.signal };
    }
    // Only then it is the target's fault.
    if (stop.aborted) turn.close();
    else turn.note({ reached: false });
    if (gone.aborted) return { kind: 'client-gone' };
    except.add(targetKey(turn.target));
  }
  return { kind: 'unreachable' };
}

/** A connection that the target took, over TLS if the rule says so; undefined when it did not. */
async function dialled(
  { clock, onError }: ReachOptions,
  { target, rule }: RequestTurn,
  { clientAddress, stop }: { readonly clientAddress: string; readonly stop: AbortSignal },
): Promise<Socket | undefined> {
  using limit = deadline(clock, 'the connection', CONNECT_TIMEOUT_MS, stop);
  const socket = dial(target, clientAddress);
  try {
    await once(socket, 'connect', { signal: limit.signal });
    return rule.forwardProtocol === 'HTTPS' ? await secured(socket, limit.signal) : socket;
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    const advice = error instanceof Error && cannotDial(target, clientAddress, error);
    if (advice) onError(advice);
    return undefined;
  }
}

/** Targets' certificates are not checked, as CLB does not check them. */
async function secured(socket: Socket, signal: AbortSignal): Promise<Socket> {
  const secure = connectTls({ socket, rejectUnauthorized: false });
  await once(secure, 'secureConnect', { signal });
  return secure;
}
