import {
  type EventStream,
  RuntimeCallError,
  type RuntimeClient,
  type RuntimeContainer,
  type RuntimeEvent,
  type RuntimeFilter,
  type RuntimeSandbox,
} from './runtime-client.ts';

interface ScriptedContainer extends RuntimeContainer {
  readonly processId?: number;
}

/** A runtime for tests: what it lists is set, events are told by hand, and it can go away, hang, or refuse. */
export class ScriptedRuntime implements RuntimeClient {
  readonly containersById = new Map<string, ScriptedContainer>();
  readonly sandboxesById = new Map<string, RuntimeSandbox & { readonly processId?: number }>();
  runtimeName = 'containerd';
  state: 'running' | 'gone' | 'hanging' = 'running';
  /** Names of the calls, in order. */
  readonly calls: string[] = [];
  /** Set: that stream is refused as unknown. */
  unsupported: EventStream | undefined;
  #subscriber: { tell(event: RuntimeEvent): void; break(error: Error): void } | undefined;

  /** A Pod with a running container. */
  addPod(podUid: string, id: string, more: Partial<ScriptedContainer> = {}): void {
    const sandboxId = `sandbox-of-${podUid}`;
    this.sandboxesById.set(sandboxId, { id: sandboxId, podUid, isReady: true });
    this.containersById.set(id, { id, sandboxId, podUid, name: 'web', hasExited: false, ...more });
  }

  /** What the lists say of it from now on; nobody is told. */
  exit(id: string): void {
    const container = this.containersById.get(id);
    if (container) this.containersById.set(id, { ...container, hasExited: true });
  }

  tell(event: RuntimeEvent): void {
    this.#subscriber?.tell(event);
  }

  get isFollowed(): boolean {
    return this.#subscriber !== undefined;
  }

  /** It ends, and with it the stream; comes back when `state` is `running` again. */
  stop(): void {
    this.state = 'gone';
    this.#subscriber?.break(GONE);
    this.#subscriber = undefined;
  }

  async version(signal: AbortSignal) {
    await this.#answer('version', signal);
    return { runtimeName: this.runtimeName, runtimeVersion: '1.6.20' };
  }

  async containers(filter: RuntimeFilter, signal: AbortSignal): Promise<readonly RuntimeContainer[]> {
    await this.#answer(`containers ${filter.id ?? filter.podUid ?? 'all'}`, signal);
    return [...this.containersById.values()].filter(container => fits(container, filter));
  }

  async sandboxes(filter: RuntimeFilter, signal: AbortSignal): Promise<readonly RuntimeSandbox[]> {
    await this.#answer(`sandboxes ${filter.id ?? filter.podUid ?? 'all'}`, signal);
    return [...this.sandboxesById.values()].filter(sandbox => fits(sandbox, filter));
  }

  async sandboxProcessId(id: string, signal: AbortSignal) {
    await this.#answer(`sandboxProcessId ${id}`, signal);
    return this.sandboxesById.get(id)?.processId;
  }

  async containerProcessId(id: string, signal: AbortSignal) {
    await this.#answer(`containerProcessId ${id}`, signal);
    return this.containersById.get(id)?.processId;
  }

  async subscribe(stream: EventStream, onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<never> {
    this.calls.push(`subscribe ${stream}`);
    if (stream === this.unsupported) throw new RuntimeCallError('unsupported', 'unknown method');
    return await new Promise((_, reject) => {
      this.#subscriber = { tell: onEvent, break: reject };
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  async #answer(call: string, signal: AbortSignal): Promise<void> {
    this.calls.push(call);
    if (this.state === 'gone') throw GONE;
    if (this.state === 'hanging') {
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
  }
}

const GONE = new RuntimeCallError('unreachable', 'connect ENOENT /run/containerd/containerd.sock');

function fits(item: { readonly id: string; readonly podUid: string }, { id, podUid }: RuntimeFilter): boolean {
  return (id === undefined || item.id === id) && (podUid === undefined || item.podUid === podUid);
}
