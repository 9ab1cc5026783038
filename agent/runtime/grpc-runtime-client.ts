import {
  type ChannelOptions,
  Client,
  credentials,
  status as grpcStatus,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { EventsService } from '../../proto/gen/containerd/events.ts';
import { type Container, ContainerState, PodSandboxState, RuntimeServiceService } from '../../proto/gen/cri/api.ts';
import {
  type EventStream,
  RuntimeCallError,
  type RuntimeClient,
  type RuntimeContainer,
  type RuntimeEvent,
  type RuntimeFilter,
} from './runtime-client.ts';
import { CONTAINERD_FILTERS, readContainerdEvent, readCriEvent } from './runtime-events.ts';

const POD_UID_LABEL = 'io.kubernetes.pod.uid';
const CONTAINER_NAME_LABEL = 'io.kubernetes.container.name';
/** As large as the kubelet takes them: a list of a thousand containers with their labels is about 1 MiB. */
const RECEIVE_BYTES_MAX = 16 * 1024 * 1024;
const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
  // A restarted runtime is found again within a second. No keepalive: runtimes end connections that ping more often
  // than every five minutes; that one is alive is seen by asking it.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

/** A method as the generated service definitions describe it. */
interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** The runtime behind a unix socket. `close` gives the connection back. */
export class GrpcRuntimeClient implements RuntimeClient {
  readonly #socketPath: string;
  readonly #client: Client;

  /** @param socketPath in a folder that is mounted whole, so that the socket of a restarted runtime is seen. */
  constructor(socketPath: string) {
    this.#socketPath = socketPath;
    this.#client = new Client(`unix:${socketPath}`, credentials.createInsecure(), CHANNEL_OPTIONS);
  }

  close(): void {
    this.#client.close();
  }

  version(signal: AbortSignal) {
    return this.#call(RuntimeServiceService.version, {}, signal);
  }

  async containers(filter: RuntimeFilter, signal: AbortSignal) {
    const { containers } = await this.#call(RuntimeServiceService.listContainers, { filter: fieldsOf(filter) }, signal);
    return containers.map(toContainer);
  }

  async sandboxes(filter: RuntimeFilter, signal: AbortSignal) {
    const { items } = await this.#call(RuntimeServiceService.listPodSandbox, { filter: fieldsOf(filter) }, signal);
    return items.map(({ id, state, labels }) => ({
      id,
      podUid: labels[POD_UID_LABEL] ?? '',
      isReady: state === PodSandboxState.SANDBOX_READY,
    }));
  }

  async sandboxProcessId(podSandboxId: string, signal: AbortSignal) {
    const request = { podSandboxId, verbose: true };
    return processIdOf(await this.#call(RuntimeServiceService.podSandboxStatus, request, signal));
  }

  async containerProcessId(containerId: string, signal: AbortSignal) {
    const request = { containerId, verbose: true };
    return processIdOf(await this.#call(RuntimeServiceService.containerStatus, request, signal));
  }

  subscribe(stream: EventStream, onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<never> {
    const take = ({ event }: ReadEvent) => {
      if (event) onEvent(event);
    };
    switch (stream) {
      case 'containerd': {
        const method = { ...EventsService.subscribe, responseDeserialize: reading(readContainerdEvent) };
        return this.#stream(method, { filters: [...CONTAINERD_FILTERS] }, take, signal);
      }
      case 'cri-o': {
        const method = { ...RuntimeServiceService.getContainerEvents, responseDeserialize: reading(readCriEvent) };
        return this.#stream(method, {}, take, signal);
      }
    }
  }

  #call<Request, Response>(
    { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
    request: Request,
    signal: AbortSignal,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const metadata = new Metadata();
      const done = (error: ServiceError | null, response?: Response) => {
        signal.removeEventListener('abort', cancel);
        if (error) reject(signal.aborted ? signal.reason : this.#failure(path, error));
        else if (response) resolve(response);
      };
      const call = this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, done);
      const cancel = () => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  #stream<Request, Item>(
    { path, requestSerialize, responseDeserialize }: Method<Request, Item>,
    request: Request,
    onItem: (item: Item) => void,
    signal: AbortSignal,
  ): Promise<never> {
    return new Promise((_, reject) => {
      signal.throwIfAborted();
      const call = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
      const cancel = () => call.cancel();
      const end = (error: Error) => {
        signal.removeEventListener('abort', cancel);
        reject(signal.aborted ? signal.reason : error);
      };
      signal.addEventListener('abort', cancel, { once: true });
      call.on('data', onItem);
      call.on('error', (error: ServiceError) => end(this.#failure(path, error)));
      call.on('end', () => end(this.#error('failed', path, 'the stream ended')));
    });
  }

  #failure(path: string, error: ServiceError): RuntimeCallError {
    const kinds: Partial<Record<number, RuntimeCallError['kind']>> = {
      [grpcStatus.UNAVAILABLE]: 'unreachable',
      [grpcStatus.UNIMPLEMENTED]: 'unsupported',
    };
    const kind = kinds[error.code] ?? 'failed';
    return this.#error(kind, path, `${grpcStatus[error.code]}: ${error.details}`, { cause: error });
  }

  #error(kind: RuntimeCallError['kind'], path: string, cause: string, options?: ErrorOptions): RuntimeCallError {
    return new RuntimeCallError(kind, `container runtime at ${this.#socketPath}, ${path}: ${cause}`, options);
  }
}

interface ReadEvent {
  readonly event: RuntimeEvent | undefined;
}

/** A deserializer that never throws, since that would end the stream, and never gives the stream nothing. */
function reading(read: (bytes: Buffer) => RuntimeEvent | undefined): (bytes: Buffer) => ReadEvent {
  return bytes => ({ event: read(bytes) });
}

function fieldsOf({ id = '', podUid }: RuntimeFilter) {
  return { id, labelSelector: podUid === undefined ? {} : { [POD_UID_LABEL]: podUid } };
}

function toContainer({ id, podSandboxId, state, labels }: Container): RuntimeContainer {
  return {
    id,
    sandboxId: podSandboxId,
    podUid: labels[POD_UID_LABEL] ?? '',
    name: labels[CONTAINER_NAME_LABEL] ?? '',
    hasExited: state === ContainerState.CONTAINER_EXITED,
  };
}

/** Of a verbose status, whose `info` is JSON. */
function processIdOf({ info }: { info: Record<string, string> }): number | undefined {
  try {
    const { pid } = JSON.parse(info.info ?? '{}') as { pid?: unknown };
    return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
