import { ClbApiError, ClbConnectionError, type ClbTransport } from '../../coordinator/cloud/transport.ts';
import { ClbError } from '../../sandbox/clb/clb-error.ts';
import { inProcessClb } from '../../sandbox/clb/in-process.ts';
import type { ClbServer } from '../../sandbox/clb/server.ts';

/** Hears of each call once the server has answered it, whether or not its caller still waits. */
type CallListener = (requestId: string, action: string, parameters: object) => void;

/** The sandbox's CLB as the coordinator reaches it, without sockets. */
export function clbTransport(server: ClbServer, onAnswered: CallListener = () => undefined): ClbTransport {
  const call = inProcessClb({
    call: async (action, parameters) => {
      try {
        const answer = await server.call(action, parameters);
        onAnswered(String(answer.RequestId), action, parameters as object);
        return answer;
      } catch (error) {
        if (error instanceof ClbError) onAnswered(error.requestId, action, parameters as object);
        throw error;
      }
    },
  });
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
