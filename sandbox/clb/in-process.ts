import { copyJson } from '../kube/api/json.ts';
import { BadReplyError } from './clb-error.ts';
import type { ClbServer } from './server.ts';

/**
 * A call of the API without sockets.
 * @throws ClbError with `code`, `message` and `requestId`; an empty code means that the connection broke or that the
 * answer cannot be read. Throws the signal's reason on abort: what was asked goes on all the same. An answer that never
 * ends is one that never comes.
 */
export type ClbCall = (action: string, parameters: object, signal: AbortSignal) => Promise<Record<string, unknown>>;

export function inProcessClb(server: Pick<ClbServer, 'call'>): ClbCall {
  return (action, parameters, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const settle = (outcome: () => void) => {
        signal.removeEventListener('abort', onAbort);
        outcome();
      };
      // As on the wire, the two sides share no object.
      server.call(action, copyJson(parameters)).then(
        answer => settle(() => resolve(copyJson(answer))),
        error => isEndless(error) || settle(() => reject(error)),
      );
    });
}

function isEndless(error: unknown): boolean {
  return error instanceof BadReplyError && error.reply.kind === 'drip';
}
