/** What a container runtime keeps of a container, for those who ask it on its socket. */
export interface ContainerEntry {
  /** Bare, without `containerd://`. */
  readonly id: string;
  readonly podUid: string;
  readonly podName: string;
  readonly namespace: string;
  readonly containerName: string;
  readonly processId: number;
  readonly hasExited: boolean;
}

export interface TableEvent {
  readonly type: 'started' | 'exited';
  readonly id: string;
}

/** The containers of one node. Of ended ones it keeps the last of each name, as a kubelet has the others removed. */
export class ContainerTable {
  readonly #entries = new Map<string, ContainerEntry>();
  readonly #listeners = new Set<(event: TableEvent) => void>();

  entries(): readonly ContainerEntry[] {
    return [...this.#entries.values()];
  }

  find(id: string): ContainerEntry | undefined {
    return this.#entries.get(id);
  }

  started(container: Omit<ContainerEntry, 'hasExited'>): void {
    const former = this.entries().filter(entry => entry.hasExited && isSameContainer(entry, container));
    for (const { id } of former.slice(0, -1)) this.#entries.delete(id);
    this.#entries.set(container.id, { ...container, hasExited: false });
    this.#tell({ type: 'started', id: container.id });
  }

  exited(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry || entry.hasExited) return;
    this.#entries.set(id, { ...entry, hasExited: true });
    this.#tell({ type: 'exited', id });
  }

  /** The Pod's containers have ended and its sandbox with them. */
  removePod(podUid: string): void {
    for (const entry of this.entries()) if (entry.podUid === podUid) this.#entries.delete(entry.id);
  }

  /** Calls `listener` for everything from now on, until the result is called. */
  onEvent(listener: (event: TableEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(event: TableEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function isSameContainer(a: ContainerEntry, b: Pick<ContainerEntry, 'podUid' | 'containerName'>): boolean {
  return a.podUid === b.podUid && a.containerName === b.containerName;
}
