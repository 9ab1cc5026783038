import type {
  ContainerExit,
  ContainerRuntime,
  ContainerSpec,
  LeftContainer,
  RunningContainer,
} from './container-runtime.ts';

/** What runs in a modelled container. It sets itself up when called and reacts to what it is told afterwards. */
export type ModelledProgram = (process: ModelledProcess) => void;

/** A modelled container as its program sees it. */
export interface ModelledProcess {
  readonly spec: ContainerSpec;
  readonly containerId: string;
  /** From now on connections to the Pod's address and this port are accepted. */
  listen(port: number): void;
  unlisten(port: number): void;
  /** Replaces what happens on SIGTERM; until then it ends the container with 143. */
  onTerm(react: () => void): void;
  onExit(react: () => void): void;
  exit(exitCode: number): void;
}

interface ContainerListener {
  onStart(process: ModelledProcess): void;
  onExit(process: ModelledProcess): void;
}

export interface ModelledRuntimeOptions {
  /** The program of an image; undefined for images that do not exist. */
  readonly programOf: (image: string) => ModelledProgram | undefined;
}

const TERMINATED = 143;
const KILLED = 137;

/** The containers of one node in virtual time. */
export class ModelledRuntime implements ContainerRuntime {
  readonly #programOf: ModelledRuntimeOptions['programOf'];
  readonly #containers = new Map<string, ModelledContainer>();
  readonly #listeners = new Set<ContainerListener>();
  #count = 0;

  constructor({ programOf }: ModelledRuntimeOptions) {
    this.#programOf = programOf;
  }

  hasImage(image: string): boolean {
    return this.#programOf(image) !== undefined;
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const containerId = `sandbox://${spec.podUid}-${spec.containerName}-${++this.#count}`;
    const container = new ModelledContainer(spec, containerId, () => {
      this.#containers.delete(containerId);
      for (const { onExit } of this.#listeners) onExit(container);
    });
    this.#containers.set(containerId, container);
    for (const { onStart } of this.#listeners) onStart(container);
    this.#programOf(spec.image)?.(container);
    return container;
  }

  left(podUid: string): readonly LeftContainer[] {
    const own = [...this.#containers.values()].filter(({ spec }) => spec.podUid === podUid);
    return own.map(container => ({ spec: container.spec, container }));
  }

  /** Tells what starts and ends from now on, until the result is called. */
  listen(listener: ContainerListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The running containers, in the order of their start. */
  running(): readonly ModelledProcess[] {
    return [...this.#containers.values()];
  }

  /** Ends a Pod's containers as a crash does, or all of the node as a power failure does. */
  crash(podUid?: string): void {
    for (const container of [...this.#containers.values()]) {
      if (podUid === undefined || container.spec.podUid === podUid) container.exit(KILLED);
    }
  }

  isListening(podIp: string, port: number): boolean {
    return [...this.#containers.values()].some(({ spec, ports }) => spec.podIp === podIp && ports.has(port));
  }
}

class ModelledContainer implements ModelledProcess, RunningContainer {
  readonly spec: ContainerSpec;
  readonly containerId: string;
  readonly ports = new Set<number>();
  readonly exited: Promise<ContainerExit>;
  readonly #resolveExit: (exit: ContainerExit) => void;
  readonly #exitReactions: (() => void)[];
  #onTerm = () => this.exit(TERMINATED);
  #hasExited = false;

  constructor(spec: ContainerSpec, containerId: string, onExit: () => void) {
    this.spec = spec;
    this.containerId = containerId;
    this.#exitReactions = [onExit];
    const { promise, resolve } = Promise.withResolvers<ContainerExit>();
    this.exited = promise;
    this.#resolveExit = resolve;
  }

  listen(port: number): void {
    if (!this.#hasExited) this.ports.add(port);
  }

  unlisten(port: number): void {
    this.ports.delete(port);
  }

  onTerm(react: () => void): void {
    this.#onTerm = react;
  }

  onExit(react: () => void): void {
    this.#exitReactions.push(react);
  }

  exit(exitCode: number): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.ports.clear();
    for (const react of this.#exitReactions) react();
    this.#resolveExit({ exitCode });
  }

  signal(name: 'TERM' | 'KILL'): void {
    if (this.#hasExited) return;
    if (name === 'KILL') this.exit(KILLED);
    else this.#onTerm();
  }
}
