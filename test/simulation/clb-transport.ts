import { ClbApiError, ClbConnectionError, type ClbTransport } from '../../coordinator/cloud/transport.ts';
import { ClbError } from '../../sandbox/clb/clb-error.ts';
import { inProcessClb } from '../../sandbox/clb/in-process.ts';
import type { ClbServer } from '../../sandbox/clb/server.ts';

/**
 * The sandbox's CLB as the coordinator reaches it, without sockets.
 * @param onAnswered hears of each call once the server has answered it, whether or not its caller still waits
 */
export function clbTransport(
  server: ClbServer,
  onAnswered: (requestId: string, parameters: object) => void = () => undefined,
): ClbTransport {
  return {
    call: async (action, parameters, signal) => {
      const heard = heardBy(server, requestId => onAnswered(requestId, parameters));
      try {
        return await inProcessClb(heard)(action, parameters, signal);
      } catch (error) {
        if (!(error instanceof ClbError)) throw error;
        if (error.code === '') throw new ClbConnectionError(action, error.message);
        throw new ClbApiError(action, error.code, error.message, error.requestId);
      }
    },
  };
}

function heardBy(server: ClbServer, onAnswered: (requestId: string) => void): Pick<ClbServer, 'call'> {
  return {
    call: async (action, parameters) => {
      try {
        const answer = await server.call(action, parameters);
        onAnswered(String(answer.RequestId));
        return answer;
      } catch (error) {
        if (error instanceof ClbError) onAnswered(error.requestId);
        throw error;
      }
    },
  };
}
