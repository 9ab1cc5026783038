/** The questions that the agent asks a container runtime. Carrier: grpc-runtime-client.ts. */
export interface RuntimeClient {
  /** @throws RuntimeCallError as all methods do */
  version(signal: AbortSignal): Promise<RuntimeVersion>;
  containers(filter: RuntimeFilter, signal: AbortSignal): Promise<readonly RuntimeContainer[]>;
  sandboxes(filter: RuntimeFilter, signal: AbortSignal): Promise<readonly RuntimeSandbox[]>;
  /** Undefined when the runtime names none. */
  sandboxProcessId(id: string, signal: AbortSignal): Promise<number | undefined>;
  /** Undefined when the runtime names none. */
  containerProcessId(id: string, signal: AbortSignal): Promise<number | undefined>;
  /** Calls `onEvent` for everything from now on; settles, by rejecting, only when the stream ends or `signal` aborts. */
  subscribe(stream: EventStream, onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<never>;
}

/** By what a runtime tells of exits: containerd by its own events, CRI-O by those of CRI. */
export type EventStream = 'containerd' | 'cri-o';

export interface RuntimeVersion {
  /** As the runtime writes it, for example `containerd`. */
  readonly runtimeName: string;
  readonly runtimeVersion: string;
}

/** Without a field: all. */
export interface RuntimeFilter {
  readonly id?: string;
  readonly podUid?: string;
}

export interface RuntimeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly podUid: string;
  readonly name: string;
  /** A container whose state the runtime does not know counts as living. */
  readonly hasExited: boolean;
}

export interface RuntimeSandbox {
  readonly id: string;
  readonly podUid: string;
  readonly isReady: boolean;
}

export type RuntimeEvent =
  /** `containerId` may be that of a sandbox in all of these. */
  | { readonly type: 'started'; readonly containerId: string }
  | { readonly type: 'exited'; readonly containerId: string }
  | { readonly type: 'outOfMemory'; readonly containerId: string }
  /** A process that was run inside a container, by `kubectl exec` or a probe. */
  | { readonly type: 'execExited' }
  /** Something came that is no event; it is skipped. */
  | { readonly type: 'malformed' };

/** A call to the runtime that failed. The message names the socket, the call and the cause. */
export class RuntimeCallError extends Error {
  override readonly name = 'RuntimeCallError';
  /** `unsupported`: the runtime answers, but knows no such call. */
  readonly kind: 'unreachable' | 'unsupported' | 'failed';

  constructor(kind: RuntimeCallError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
