import type { KubeRequest, KubeTransport } from '../../common/kube/transport.ts';
import type { ClbTransport } from '../cloud/transport.ts';

export interface Carriers {
  readonly kube: KubeTransport;
  readonly clb: ClbTransport;
}

/** A part of the coordinator tried to change something though it observes: that part has to be mended, nothing was changed. */
export class WriteWhileObservingError extends Error {
  override readonly name = 'WriteWhileObservingError';
}

/** A question that has the form of a creation: it leaves nothing behind. */
const QUESTIONS: ReadonlySet<string> = new Set(['/apis/authentication.k8s.io/v1/tokenreviews']);
/** CLB's reads, by their names. */
const CLB_READ = /^Describe[A-Z]/;

/**
 * The carriers of a coordinator that observes. Everything that it asks of the API server and of CLB goes through them, and
 * nothing that would change either of them gets through, whichever part asks.
 */
export function readOnly({ kube, clb }: Carriers): Carriers {
  return {
    kube: {
      request: async (request, signal) => {
        if (!isQuestion(request)) throw new WriteWhileObservingError(`${request.method} ${request.path} was not sent`);
        return kube.request(request, signal);
      },
      watch: (request, signal, onOpened) => kube.watch(request, signal, onOpened),
    },
    clb: {
      call: async (action, parameters, signal) => {
        if (!CLB_READ.test(action)) throw new WriteWhileObservingError(`${action} was not sent`);
        return clb.call(action, parameters, signal);
      },
    },
  };
}

function isQuestion({ method, path }: KubeRequest): boolean {
  return method === 'GET' || (method === 'POST' && QUESTIONS.has(path));
}
