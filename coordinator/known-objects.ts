import type { ReflectorEvent } from '../common/kube/reflector.ts';

/** What tells one state of an object from another. */
interface Versioned {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** All objects of a kind as the watch tells them. Keys are `namespace/name`. */
export class KnownObjects<T extends Versioned> {
  readonly #items = new Map<string, T>();
  readonly #onChange: (key: string) => void;
  #areKnown = false;
  #areForbidden = false;

  constructor(onChange: (key: string) => void) {
    this.#onChange = onChange;
  }

  /** False until all of them were listed once. */
  get areKnown(): boolean {
    return this.#areKnown;
  }

  /** The API server has refused the right to read them when they were asked for last. */
  get areForbidden(): boolean {
    return this.#areForbidden;
  }

  /** @returns whether that is new */
  forbid(): boolean {
    const isNew = !this.#areForbidden;
    this.#areForbidden = true;
    return isNew;
  }

  get(key: string): T | undefined {
    return this.#items.get(key);
  }

  keys(): Iterable<string> {
    return this.#items.keys();
  }

  values(): Iterable<T> {
    return this.#items.values();
  }

  apply(event: ReflectorEvent<T>): void {
    this.#areForbidden = false;
    switch (event.type) {
      case 'replaced':
        this.replace(event.items);
        return;
      case 'applied':
        this.#items.set(event.key, event.item);
        this.#onChange(event.key);
        return;
      case 'deleted':
        this.#items.delete(event.key);
        this.#onChange(event.key);
        return;
      case 'progressed':
        return;
    }
  }

  /** There is none. */
  empty(): void {
    this.replace(new Map());
  }

  /** A list repeats what is known of most objects: those stay the same. */
  replace(items: ReadonlyMap<string, T>): void {
    for (const key of this.#items.keys()) {
      if (items.has(key)) continue;
      this.#items.delete(key);
      this.#onChange(key);
    }
    this.#areKnown = true;
    this.#areForbidden = false;
    for (const [key, item] of items) {
      const known = this.#items.get(key);
      if (known?.uid === item.uid && known.resourceVersion === item.resourceVersion) continue;
      this.#items.set(key, item);
      this.#onChange(key);
    }
  }
}
