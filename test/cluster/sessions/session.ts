/** Something of a client that takes a while: a long response, a WebSocket, a stream, a flow of datagrams. */
import type { Clock } from '../../../common/clock.ts';

export type SessionEnd =
  | { readonly kind: 'whole' }
  /** The application asked the client to leave, as its protocol has it; the client begins anew elsewhere. */
  | { readonly kind: 'goodbye' }
  /** The run was over first. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'lost'; readonly detail: string };

export interface SessionContext {
  readonly clock: Clock;
  /** Where the application is reached. */
  readonly host: string;
  /** The client's own. */
  readonly clientAddress: string;
  /** Aborted when the run is over. */
  readonly signal: AbortSignal;
}

/** Never rejects. */
export type Session = (context: SessionContext) => Promise<SessionEnd>;

export const whole: SessionEnd = { kind: 'whole' };
export const goodbye: SessionEnd = { kind: 'goodbye' };
const stopped: SessionEnd = { kind: 'stopped' };

export function lost(detail: string): SessionEnd {
  return { kind: 'lost', detail };
}

/**
 * Runs until something settles it: the session itself, its limit, or the end of the run.
 * @param begin returns what ends its sockets and timers
 * @param limitMs after which it counts as lost; Infinity: never
 */
export function runSession(
  { clock, signal }: SessionContext,
  limitMs: number,
  begin: (settle: (end: SessionEnd) => void) => () => void,
): Promise<SessionEnd> {
  const { promise, resolve } = Promise.withResolvers<SessionEnd>();
  const onAbort = () => resolve(stopped);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const isOver = () => resolve(lost(`no end after ${limitMs} ms`));
  // What came while this process stood still is read first: timers come before sockets.
  const limit = Number.isFinite(limitMs) ? clock.schedule(limitMs, () => clock.schedule(0, isOver)) : undefined;
  const dispose = begin(resolve);
  return promise.finally(() => {
    limit?.cancel();
    signal.removeEventListener('abort', onAbort);
    dispose();
  });
}

/** Calls `turn` every so often; returns what ends it. */
export function every(clock: Clock, intervalMs: number, turn: () => void): () => void {
  let timer = clock.schedule(intervalMs, function again() {
    timer = clock.schedule(intervalMs, again);
    turn();
  });
  return () => timer.cancel();
}
