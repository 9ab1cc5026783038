import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { type KubeRequest, KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';

export const MERGE_PATCH = 'application/merge-patch+json';
export const STRATEGIC_MERGE_PATCH = 'application/strategic-merge-patch+json';

const REQUEST_TIMEOUT_MS = 10_000;

/** Single requests with a deadline. Each throws KubeResponseError for an error status, KubeConnectionError, DeadlineExceededError. */
export interface KubeClient {
  get<T>(path: string, signal: AbortSignal): Promise<T>;
  create<T>(path: string, body: unknown, signal: AbortSignal): Promise<T>;
  patch<T>(path: string, contentType: string, body: unknown, signal: AbortSignal): Promise<T>;
  /** `options` is a DeleteOptions body. Resolves with the object as the server left it, or a Status. */
  delete<T>(path: string, options: Record<string, unknown>, signal: AbortSignal): Promise<T>;
}

export function kubeClient(transport: KubeTransport, clock: Clock): KubeClient {
  const call = async <T>(request: KubeRequest, signal: AbortSignal): Promise<T> => {
    using limit = deadline(clock, `${request.method} ${request.path}`, REQUEST_TIMEOUT_MS, signal);
    const response = await transport.request(request, limit.signal);
    if (response.status < 200 || response.status > 299) throw new KubeResponseError(request, response);
    return response.body as T;
  };
  return {
    get: (path, signal) => call({ method: 'GET', path }, signal),
    create: (path, body, signal) => call({ method: 'POST', path, body }, signal),
    patch: (path, contentType, body, signal) => call({ method: 'PATCH', path, contentType, body }, signal),
    delete: (path, options, signal) =>
      call({ method: 'DELETE', path, body: { apiVersion: 'v1', kind: 'DeleteOptions', ...options } }, signal),
  };
}

/** True for an answer with one of these HTTP statuses. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof KubeResponseError && statuses.includes(error.status);
}
