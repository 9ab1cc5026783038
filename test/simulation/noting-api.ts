import type { KubeRequest } from '../../common/kube/transport.ts';
import type { ApiResponse, KubeApiServer } from '../../sandbox/kube/api/kube-api-server.ts';
import type { KubeUser } from '../../sandbox/kube/api/user.ts';
import type { ApiFaults } from './api-faults.ts';

type Api = Pick<KubeApiServer, 'request' | 'openWatch'>;

/** A write that the API server carried out or refused. */
export interface ApiWrite {
  /** Wall milliseconds of the deed. */
  readonly at: number;
  readonly username: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly status: number;
}

interface NotingOptions {
  readonly api: Api;
  readonly wallNow: () => number;
  readonly note: (write: ApiWrite) => void;
  /** What is wrong with the server, for those whom it hits. */
  readonly faults: ApiFaults | undefined;
  /** Told of every request before it is answered. */
  readonly onRequest?: ((username: string, request: KubeRequest, isWatch: boolean) => void) | undefined;
}

/** The API server, with every write noted when it is done, whether or not anybody still waits for the answer. */
export function notingApi({ api, wallNow, note, faults, onRequest }: NotingOptions): Api {
  const request = async (user: KubeUser | undefined, asked: KubeRequest): Promise<ApiResponse> => {
    const response = await api.request(user, asked);
    const { method, path, body } = asked;
    if (method !== 'GET') {
      note({ at: wallNow(), username: user?.username ?? '', method, path, body, status: response.status });
    }
    return response;
  };
  return {
    request: (user, asked) => {
      onRequest?.(user?.username ?? '', asked, false);
      return faults ? faults.answer(asked, () => request(user, asked)) : request(user, asked);
    },
    openWatch: (user, asked) => {
      onRequest?.(user?.username ?? '', asked, true);
      return faults?.refuseWatch(asked) ?? api.openWatch(user, asked);
    },
  };
}
