import type { Clock } from '../../common/clock.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import { objectKey } from './resource-path.ts';

export interface ObjectCacheOptions<T extends KubeObject> {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly path: string;
  readonly query?: Record<string, string>;
  /** Groups that `inGroup` answers for, for example the owner's UID. */
  readonly groupOf?: (object: T) => string | undefined;
  readonly onError: (error: unknown) => void;
}

export type ChangeListener<T> = (now: T | undefined, before: T | undefined) => void;

/**
 * All objects under a path as last told by the API server, laid over with our own writes that the watch has not told
 * yet (`assume`), so that a controller never acts twice on the same want.
 */
export class ObjectCache<T extends KubeObject> {
  readonly #options: ObjectCacheOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #groups = new Map<string, Set<string>>();
  readonly #listeners: ChangeListener<T>[] = [];
  readonly #synced = Promise.withResolvers<void>();
  /** How far the watch has told. */
  #resourceVersion = 0;

  constructor(options: ObjectCacheOptions<T>) {
    this.#options = options;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  inGroup(group: string | undefined): T[] {
    const keys = group === undefined ? undefined : this.#groups.get(group);
    return [...(keys ?? [])].flatMap(key => this.#objects.get(key) ?? []);
  }

  /** Called for every change after it is in the cache, in order. */
  onChange(listener: ChangeListener<T>): void {
    this.#listeners.push(listener);
  }

  /** Resolves when the first list is in. */
  synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** Takes over what the server answered to our own write, unless the watch is already past it. */
  assume(object: T): void {
    const key = objectKey(object);
    const version = versionOf(object);
    if (version <= this.#resourceVersion || version <= versionOf(this.#objects.get(key))) return;
    this.#put(key, object);
  }

  /** Runs the reflector until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { transport, clock, random, path, query, onError } = this.#options;
    return runReflector<T, T>(
      {
        transport,
        clock,
        random,
        path,
        ...(query && { query }),
        project: object => object,
        onEvent: event => this.#onEvent(event),
        onError,
      },
      signal,
    );
  }

  #onEvent(event: ReflectorEvent<T>): void {
    this.#resourceVersion = Number(event.resourceVersion);
    switch (event.type) {
      case 'replaced':
        this.#replace(event.items);
        this.#synced.resolve();
        return;
      case 'applied':
        if (versionOf(event.item) >= versionOf(this.#objects.get(event.key))) this.#put(event.key, event.item);
        return;
      case 'deleted':
        this.#remove(event.key, event.item);
        return;
      case 'progressed':
        return;
    }
  }

  #replace(items: ReadonlyMap<string, T>): void {
    for (const [key, object] of [...this.#objects]) {
      const isNewerThanList = versionOf(object) > this.#resourceVersion;
      if (!items.has(key) && !isNewerThanList) this.#remove(key, undefined);
    }
    for (const [key, item] of items) {
      if (versionOf(item) >= versionOf(this.#objects.get(key))) this.#put(key, item);
    }
  }

  #put(key: string, object: T): void {
    const before = this.#objects.get(key);
    this.#leaveGroup(key, before);
    this.#objects.set(key, object);
    const group = this.#options.groupOf?.(object);
    if (group !== undefined) this.#groupNamed(group).add(key);
    this.#tell(object, before);
  }

  #remove(key: string, last: T | undefined): void {
    const before = this.#objects.get(key);
    this.#leaveGroup(key, before);
    this.#objects.delete(key);
    this.#tell(undefined, last ?? before);
  }

  #tell(now: T | undefined, before: T | undefined): void {
    for (const listener of this.#listeners) listener(now, before);
  }

  #groupNamed(group: string): Set<string> {
    const found = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, found);
    return found;
  }

  #leaveGroup(key: string, object: T | undefined): void {
    const group = object && this.#options.groupOf?.(object);
    if (group === undefined) return;
    const keys = this.#groups.get(group);
    keys?.delete(key);
    if (keys?.size === 0) this.#groups.delete(group);
  }
}

function versionOf(object: KubeObject | undefined): number {
  return Number(object?.metadata.resourceVersion ?? 0);
}
