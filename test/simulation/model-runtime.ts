import type { ProcRuntime } from '../../agent/runtime/proc-runtime.ts';
import {
  type EventStream,
  RuntimeCallError,
  type RuntimeClient,
  type RuntimeContainer,
  type RuntimeEvent,
  type RuntimeFilter,
} from '../../agent/runtime/runtime-client.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import { type Random, randomInteger } from '../../common/random.ts';
import type { ModelledProcess, ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';

/** From a process's end to the event, as measured. */
const EVENT_MS = 4;
const CALL_MS = 1;
/** How long a runtime runs before it is started again, and how long that takes. */
const UPTIME_MS = [20_000, 300_000] as const;
const RESTART_MS = [100, 3_000] as const;

export interface ModelRuntimeOptions {
  readonly containers: ModelledRuntime;
  readonly clock: Clock;
  readonly random: Random;
  /** False: there is no socket, as where the agent was given none. */
  readonly isReachable: boolean;
}

/** A node's container runtime as one agent asks it: it tells of exits and is started again now and then. */
export class ModelRuntime implements RuntimeClient {
  readonly #options: ModelRuntimeOptions;
  #isReachable: boolean;

  constructor(options: ModelRuntimeOptions) {
    this.#options = options;
    this.#isReachable = options.isReachable;
  }

  async version(signal: AbortSignal) {
    await this.#answer(signal);
    return { runtimeName: 'containerd', runtimeVersion: 'model' };
  }

  async containers(filter: RuntimeFilter, signal: AbortSignal): Promise<readonly RuntimeContainer[]> {
    await this.#answer(signal);
    return this.#options.containers
      .running()
      .map(toContainer)
      .filter(({ id, podUid }) => (filter.id ?? id) === id && (filter.podUid ?? podUid) === podUid);
  }

  async sandboxes(filter: RuntimeFilter, signal: AbortSignal) {
    const containers = await this.containers(filter.podUid === undefined ? {} : { podUid: filter.podUid }, signal);
    const sandboxes = containers.map(({ sandboxId, podUid }) => ({ id: sandboxId, podUid, isReady: true }));
    return sandboxes.filter(({ id }) => (filter.id ?? id) === id);
  }

  async sandboxProcessId(_id: string, signal: AbortSignal) {
    await this.#answer(signal);
    return 1;
  }

  containerProcessId = this.sandboxProcessId;

  async subscribe(_stream: EventStream, onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<never> {
    const { containers, clock, random } = this.#options;
    const later = (type: 'started' | 'exited') => (process: ModelledProcess) => {
      clock.schedule(EVENT_MS, () => onEvent({ type, containerId: bareId(process) }));
    };
    const stopListening = containers.listen({ onStart: later('started'), onExit: later('exited') });
    try {
      await sleep(clock, randomInteger(random, ...UPTIME_MS), signal);
      this.#restart();
      throw new RuntimeCallError('unreachable', 'the runtime was killed');
    } finally {
      stopListening();
    }
  }

  /** What the node's /proc shows. */
  processes(): ProcRuntime {
    const { containers } = this.#options;
    const ofPod = (podUid: string) => containers.running().filter(({ spec }) => spec.podUid === podUid);
    return {
      processIds: async podUid => ofPod(podUid).map((_, index) => index + 1),
      hasSandbox: async podUid => ofPod(podUid).length > 0,
      hasProcess: async containerId => containers.running().some(process => bareId(process) === containerId),
      endedAmong: async ended => {
        const running = new Set(containers.running().map(bareId));
        return ended.filter(({ containerId }) => !running.has(containerId));
      },
      runningContainers: async () => [],
      exits: () => {
        throw new Error('/proc tells no exits');
      },
    };
  }

  #restart(): void {
    const { clock, random } = this.#options;
    this.#isReachable = false;
    clock.schedule(randomInteger(random, ...RESTART_MS), () => {
      this.#isReachable = true;
    });
  }

  async #answer(signal: AbortSignal): Promise<void> {
    await sleep(this.#options.clock, CALL_MS, signal);
    if (!this.#isReachable) throw new RuntimeCallError('unreachable', 'no such socket');
  }
}

function toContainer(process: ModelledProcess): RuntimeContainer {
  const { podUid, containerName } = process.spec;
  return { id: bareId(process), sandboxId: `${podUid}-sandbox`, podUid, name: containerName, hasExited: false };
}

function bareId({ containerId }: ModelledProcess): string {
  return containerId.slice(containerId.indexOf('://') + 3);
}
