import { ClbApiError, ClbConnectionError, type ClbTransport } from '../../coordinator/cloud/transport.ts';
import { ClbError } from '../../sandbox/clb/clb-error.ts';
import { inProcessClb } from '../../sandbox/clb/in-process.ts';
import type { ClbServer } from '../../sandbox/clb/server.ts';

/** The sandbox's CLB as the coordinator reaches it, without sockets. */
export function clbTransport(server: ClbServer): ClbTransport {
  const call = inProcessClb(server);
  return {
    call: async (action, parameters, signal) => {
      try {
        return await call(action, parameters, signal);
      } catch (error) {
        if (!(error instanceof ClbError)) throw error;
        if (error.code === '') throw new ClbConnectionError(action, error.message);
        throw new ClbApiError(action, error.code, error.message, error.requestId);
      }
    },
  };
}
