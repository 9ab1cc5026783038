import type { ClbServer } from './server.ts';

/**
 * A call of the API without sockets.
 * @throws ClbError with `code`, `message` and `requestId`; an empty code means that the connection broke and no answer
 * came. Throws the signal's reason on abort: what was asked goes on all the same.
 */
export type ClbCall = (action: string, parameters: object, signal: AbortSignal) => Promise<Record<string, unknown>>;

export function inProcessClb(server: ClbServer): ClbCall {
  return (action, parameters, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      // As on the wire, the two sides share no object.
      server
        .call(action, structuredClone(parameters))
        .then(answer => resolve(structuredClone(answer)), reject)
        .finally(() => signal.removeEventListener('abort', onAbort));
    });
}
