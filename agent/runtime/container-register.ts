import type { RuntimeContainer, RuntimeSandbox } from './runtime-client.ts';
import type { ContainerExit } from './source.ts';

export interface RuntimeListing {
  readonly containers: readonly RuntimeContainer[];
  readonly sandboxes: readonly RuntimeSandbox[];
}

/** What the register held at a moment, for the comparison with a list that was asked for then. */
export interface RegisterMark {
  readonly ids: ReadonlySet<string>;
}

/** What the end of a process means. `unknown`: of no container seen so far, so the runtime has to be asked. */
export type ExitVerdict =
  | { readonly type: 'container'; readonly exit: ContainerExit }
  | { readonly type: 'sandbox' | 'repeated' | 'unknown' };

export interface ListVerdict {
  /** Of containers that the list says have exited, told for the first time. */
  readonly exits: readonly ContainerExit[];
  /** Living ones that the list does not hold; a runtime that could not load a container after a restart hides it too. */
  readonly missing: readonly ContainerExit[];
}

/**
 * Which containers live on the node, whose they are, and which exits were told. Ids are never used again, so that an
 * exit is final: no list that is older than it brings the container back.
 */
export class ContainerRegister {
  readonly #living = new Map<string, ContainerExit>();
  readonly #sandboxes = new Set<string>();
  /** Exits that were told; as long as the runtime lists the container, and between two lists. */
  readonly #exited = new Set<string>();

  isKnown(id: string): boolean {
    return this.#living.has(id) || this.#sandboxes.has(id) || this.#exited.has(id);
  }

  find(id: string): ContainerExit | undefined {
    return this.#living.get(id);
  }

  exited(id: string): ExitVerdict {
    if (this.#exited.has(id)) return { type: 'repeated' };
    const exit = this.#living.get(id);
    if (exit) {
      this.#living.delete(id);
      this.#exited.add(id);
      return { type: 'container', exit };
    }
    return { type: this.#sandboxes.has(id) ? 'sandbox' : 'unknown' };
  }

  /** Before a complete list is asked for. */
  mark(): RegisterMark {
    return { ids: new Set([...this.#living.keys(), ...this.#sandboxes, ...this.#exited]) };
  }

  /** Takes some of the containers. Returns the exits among them. */
  learn({ containers, sandboxes }: RuntimeListing): ContainerExit[] {
    for (const { id } of sandboxes) this.#sandboxes.add(id);
    for (const { sandboxId } of containers) this.#sandboxes.add(sandboxId);
    return containers.flatMap(container => {
      if (this.#exited.has(container.id)) return [];
      this.#living.set(container.id, toExit(container));
      const verdict = container.hasExited ? this.exited(container.id) : undefined;
      return verdict?.type === 'container' ? [verdict.exit] : [];
    });
  }

  /** Takes a complete list that was asked for at `mark`, and forgets what the runtime has forgotten. */
  relisted(listing: RuntimeListing, { ids }: RegisterMark): ListVerdict {
    const exits = this.learn(listing);
    const listed = new Set([...listing.containers, ...listing.sandboxes].map(({ id }) => id));
    for (const known of [this.#exited, this.#sandboxes]) {
      for (const id of known) if (ids.has(id) && !listed.has(id)) known.delete(id);
    }
    const missing = [...this.#living].filter(([id]) => ids.has(id) && !listed.has(id)).map(([, exit]) => exit);
    return { exits, missing };
  }
}

function toExit({ id, podUid, name }: RuntimeContainer): ContainerExit {
  return { podUid, containerName: name, containerId: id };
}
