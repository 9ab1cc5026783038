import type { KubeObject, KubeStatus } from './objects.ts';

/**
 * How requests reach a Kubernetes API server. Real carrier: HTTPS (`https-transport.ts`); in virtual time: the sandbox's
 * handler called in process. Callers pass a signal that carries their deadline; carriers add none of their own.
 */
export interface KubeTransport {
  /** Resolves with whatever the server answered, errors included. @throws KubeConnectionError when nothing was answered. */
  request(request: KubeRequest, signal: AbortSignal): Promise<KubeResponse>;
  /**
   * Opens a watch (`watch=true` is added). The iteration ends when the server closes the stream.
   * @param onOpened called when the server has accepted it, which may be long before the first event
   * @throws KubeResponseError when the watch is refused, KubeConnectionError when the stream breaks, the signal's reason
   * on abort.
   */
  watch(request: KubeRequest, signal: AbortSignal, onOpened?: () => void): AsyncIterable<WatchEvent>;
}

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As on the wire, without query: `/api/v1/namespaces/default/pods/web-0/status`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Of the body; default `application/json`. PATCH needs one of the patch types. */
  readonly contentType?: string;
  /** Default `application/json`; kubectl asks for Tables with it. */
  readonly accept?: string;
  /** A JSON value. */
  readonly body?: unknown;
}

export interface KubeResponse {
  readonly status: number;
  /** A JSON value; a `KubeStatus` for errors. */
  readonly body: unknown;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: KubeObject }
  | { readonly type: 'ERROR'; readonly object: KubeStatus };

/** The server answered with a status outside 200 to 299. */
export class KubeResponseError extends Error {
  override readonly name = 'KubeResponseError';
  readonly status: number;
  /** The machine-readable reason, for example `Conflict`, `NotFound`, `Expired`. */
  readonly reason: string;
  constructor(request: Pick<KubeRequest, 'method' | 'path'>, response: KubeResponse) {
    const body = response.body as Partial<KubeStatus> | undefined;
    super(`${request.method} ${request.path}: ${response.status} ${body?.message ?? body?.reason ?? ''}`.trimEnd());
    this.status = response.status;
    this.reason = body?.reason ?? '';
  }
}

/** No answer came: connection refused, reset, TLS failure. The outcome of a write is unknown. */
export class KubeConnectionError extends Error {
  override readonly name = 'KubeConnectionError';
}
