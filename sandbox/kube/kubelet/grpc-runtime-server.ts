import { type handleUnaryCall, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import { type Envelope, EventsService, type SubscribeRequest } from '../../../proto/gen/containerd/events.ts';
import { type RuntimeServiceServer, RuntimeServiceService } from '../../../proto/gen/cri/api.ts';
import { parseFilter, type RuntimeService } from './runtime-service.ts';

/** Beyond it Linux takes no unix socket's path. */
const SOCKET_PATH_BYTES_MAX = 107;
/** Events that wait for a subscriber that does not read; beyond it the subscription ends. */
const EVENTS_PENDING_MAX = 1_024;

export class SocketPathTooLongError extends Error {
  override readonly name = 'SocketPathTooLongError';
  constructor(path: string) {
    super(`${path} is longer than the ${SOCKET_PATH_BYTES_MAX} bytes that a unix socket may have: shorten TMPDIR`);
  }
}

/**
 * Serves a node's runtime on a unix socket. Disposing of the result ends all calls.
 * @throws SocketPathTooLongError, or Error when the socket cannot be made
 */
export async function serveRuntime(service: RuntimeService, socketPath: string): Promise<AsyncDisposable> {
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_BYTES_MAX) throw new SocketPathTooLongError(socketPath);
  const server = new Server();
  server.addService(RuntimeServiceService, runtimeHandlers(service));
  server.addService(EventsService, {
    subscribe: (call: ServerWritableStream<SubscribeRequest, Envelope>) => subscribe(service, call),
  });
  await new Promise<void>((resolve, reject) => {
    const credentials = ServerCredentials.createInsecure();
    server.bindAsync(`unix:${socketPath}`, credentials, error => (error ? reject(error) : resolve()));
  });
  return {
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

function runtimeHandlers(service: RuntimeService): RuntimeServiceServer {
  return {
    version: answering(() => service.version()),
    listPodSandbox: answering(({ filter }) => ({ items: service.listPodSandbox(filter) })),
    listContainers: answering(({ filter }) => ({ containers: service.listContainers(filter) })),
    podSandboxStatus: answering(({ podSandboxId }) => withInfo(service.podSandboxInfo(podSandboxId))),
    containerStatus: answering(({ containerId }) => withInfo(service.containerInfo(containerId))),
    // As containerd 1.6 does.
    getContainerEvents: call => refuse(call, status.UNIMPLEMENTED, 'method GetContainerEvents not implemented'),
  };
}

/** Undefined is answered with NOT_FOUND. */
function answering<Request, Response>(
  answer: (request: Request) => Response | undefined,
): handleUnaryCall<Request, Response> {
  return (call, respond) => {
    const response = answer(call.request);
    if (response === undefined) respond({ code: status.NOT_FOUND, details: 'not found' });
    else respond(null, response);
  };
}

function withInfo(info: Record<string, string> | undefined): { info: Record<string, string> } | undefined {
  return info && { info };
}

function subscribe(service: RuntimeService, call: ServerWritableStream<SubscribeRequest, Envelope>): void {
  const filters = call.request.filters.map(parseFilter);
  if (filters.includes(undefined)) {
    refuse(
      call,
      status.INVALID_ARGUMENT,
      `the sandbox does not know this filter: ${call.request.filters.join(' or ')}`,
    );
    return;
  }
  const unsubscribe = service.subscribe(
    filters.filter(filter => filter !== undefined),
    envelope => {
      if (call.writableLength < EVENTS_PENDING_MAX) call.write(envelope);
      else refuse(call, status.RESOURCE_EXHAUSTED, 'the subscriber does not read');
    },
  );
  call.on('close', unsubscribe).on('cancelled', unsubscribe);
}

function refuse(call: { emit(event: 'error', reason: object): boolean }, code: status, details: string): void {
  call.emit('error', { code, details });
}
