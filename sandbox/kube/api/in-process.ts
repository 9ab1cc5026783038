import { abortable } from '../../../common/abortable.ts';
import { type Clock, sleep } from '../../../common/clock.ts';
import {
  type KubeRequest,
  type KubeResponse,
  KubeResponseError,
  type KubeTransport,
  type WatchEvent,
} from '../../../common/kube/transport.ts';
import { copyJson } from './json.ts';
import type { KubeApiServer } from './kube-api-server.ts';
import type { KubeUser } from './user.ts';

export interface InProcessOptions {
  readonly server: Pick<KubeApiServer, 'request' | 'openWatch'>;
  /** Whom every request comes from; undefined is refused with 401. */
  readonly user: KubeUser | undefined;
  readonly clock: Clock;
  /** Of a round trip: half of it passes before the server acts, half before the answer, or a watch event, arrives. */
  readonly latencyMs?: number;
}

/** Calls the server in the same process. Bodies are copied at the border: neither side sees the other's objects. */
export function inProcessKubeTransport(options: InProcessOptions): KubeTransport {
  return {
    request: (request, signal) => requestInProcess(options, request, signal),
    watch: (request, signal, onOpened) => watchInProcess({ ...options, onOpened }, request, signal),
  };
}

async function requestInProcess(
  options: InProcessOptions,
  request: KubeRequest,
  signal: AbortSignal,
): Promise<KubeResponse> {
  signal.throwIfAborted();
  await travel(options, signal);
  // The server may be waiting for a webhook; the caller's deadline does not.
  const { status, body } = await abortable(options.server.request(options.user, copyJson(request)), signal);
  const response = { status, body: copyJson(body) };
  await travel(options, signal);
  return response;
}

async function* watchInProcess(
  options: InProcessOptions & { readonly onOpened: (() => void) | undefined },
  request: KubeRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  signal.throwIfAborted();
  await travel(options, signal);
  const opened = options.server.openWatch(options.user, copyJson(request));
  if (opened.state === 'refused') {
    await travel(options, signal);
    throw new KubeResponseError(request, opened.response);
  }
  options.onOpened?.();
  for await (const { at, type, object } of opened.start(signal)) {
    const remainingMs = at + halfLatencyMs(options) - options.clock.now();
    if (remainingMs > 0) await sleep(options.clock, remainingMs, signal);
    yield { type, object: copyJson(object) } as unknown as WatchEvent;
    signal.throwIfAborted();
  }
  signal.throwIfAborted();
}

function halfLatencyMs({ latencyMs = 0 }: InProcessOptions): number {
  return latencyMs / 2;
}

async function travel(options: InProcessOptions, signal: AbortSignal): Promise<void> {
  const delayMs = halfLatencyMs(options);
  if (delayMs > 0) await sleep(options.clock, delayMs, signal);
}
