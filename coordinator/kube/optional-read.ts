import { KubeResponseError } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';

/** Of a kind without which everything else goes on (law L10). */
export interface OptionalRead {
  /** This replica may not read the kind. */
  readonly onForbidden: () => void;
  /** The cluster does not know the kind: there is none. */
  readonly onAbsent: () => void;
}

const FORBIDDEN = 403;
/** A server that is still starting answers with 503 instead. */
const NOT_FOUND = 404;

/** What is to be made of a failed list or watch. `kinds`: as people write them, in the plural. */
export function optionalReadFailed(read: OptionalRead & { readonly log: Logger; readonly kinds: string }) {
  return (error: unknown): void => {
    const status = error instanceof KubeResponseError ? error.status : undefined;
    if (status === NOT_FOUND) {
      read.onAbsent();
      return;
    }
    if (status === FORBIDDEN) read.onForbidden();
    read.log.warn(`${read.kinds} were not listed or watched, will try again`, { error });
  };
}
