import type { Clock } from '../../../common/clock.ts';
import { type Change, ChangeLog } from './change-log.ts';
import { type ApiObject, withFields } from './json.ts';
import type { Kind } from './kinds.ts';

interface KindTable {
  readonly objects: Map<string, ApiObject>;
  readonly log: ChangeLog;
}

export interface StoreOptions {
  readonly kinds: readonly Kind[];
  readonly clock: Pick<Clock, 'now'>;
  /** Changes kept per kind for watches and consistent paging. */
  readonly historyLimit: number;
}

/**
 * Objects of every kind under one revision counter. It knows nothing of the API's rules: each call is one commit.
 * What it hands out is shared and must not be changed.
 */
export class Store {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #tables: Map<Kind, KindTable>;
  readonly #listeners: ((kind: Kind, change: Change) => void)[] = [];
  #revision = 0;

  constructor(options: StoreOptions) {
    this.#clock = options.clock;
    this.#tables = new Map(
      options.kinds.map(kind => [kind, { objects: new Map(), log: new ChangeLog(options.historyLimit) }]),
    );
  }

  /** The revision of the newest commit, of whatever kind. */
  get revision(): number {
    return this.#revision;
  }

  get(kind: Kind, namespace: string | undefined, name: string): ApiObject | undefined {
    return this.#table(kind).objects.get(keyOf(namespace, name));
  }

  /** In the order of their keys; `namespace` undefined means all. */
  list(kind: Kind, namespace?: string): ApiObject[] {
    return inNamespace(this.#table(kind).objects, namespace);
  }

  /** The list as it was right after `revision`; undefined when the history does not reach back that far. */
  listAt(kind: Kind, namespace: string | undefined, revision: number): ApiObject[] | undefined {
    const { objects, log } = this.#table(kind);
    const start = log.positionAfter(revision);
    if (start === undefined) return undefined;
    const past = new Map(objects);
    for (let position = log.end - 1; position >= start; position--) {
      const change = log.at(position);
      if (!change) return undefined;
      const key = keyOf(change.object.metadata.namespace, change.object.metadata.name);
      if (change.previous) past.set(key, change.previous);
      else past.delete(key);
    }
    return inNamespace(past, namespace);
  }

  /** Adds or replaces, stamping the new resourceVersion. */
  put(kind: Kind, object: ApiObject): ApiObject {
    const { objects } = this.#table(kind);
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const previous = objects.get(key);
    const stored = this.#stamp(object);
    objects.set(key, stored);
    this.#commit(kind, previous ? 'MODIFIED' : 'ADDED', stored, previous);
    return stored;
  }

  /** Removes; `last` is what watchers see. It must be there. */
  remove(kind: Kind, last: ApiObject): ApiObject {
    const { objects } = this.#table(kind);
    const key = keyOf(last.metadata.namespace, last.metadata.name);
    const previous = objects.get(key);
    if (!previous) throw new Error(`${kind.kind} ${key} is not stored`);
    objects.delete(key);
    const stamped = this.#stamp(last);
    this.#commit(kind, 'DELETED', stamped, previous);
    return stamped;
  }

  log(kind: Kind): ChangeLog {
    return this.#table(kind).log;
  }

  /** Forgets all history: watches and continue tokens from before now answer 410. */
  compact(): void {
    for (const { log } of this.#tables.values()) log.compact(this.#revision);
  }

  /** Calls `listener` synchronously after every commit. */
  onChange(listener: (kind: Kind, change: Change) => void): void {
    this.#listeners.push(listener);
  }

  #stamp(object: ApiObject): ApiObject {
    this.#revision++;
    return withFields(object, {
      metadata: withFields(object.metadata, { resourceVersion: String(this.#revision) }),
    });
  }

  #commit(kind: Kind, type: Change['type'], object: ApiObject, previous: ApiObject | undefined): void {
    const change: Change = { revision: this.#revision, at: this.#clock.now(), type, object, previous };
    this.#table(kind).log.append(change);
    for (const listener of this.#listeners) listener(kind, change);
  }

  #table(kind: Kind): KindTable {
    const table = this.#tables.get(kind);
    if (!table) throw new Error(`the store has no table for ${kind.resource}`);
    return table;
  }
}

/** Sorted as text, like etcd's keys: that is the order of lists and of their pages. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

function inNamespace(objects: ReadonlyMap<string, ApiObject>, namespace: string | undefined): ApiObject[] {
  const keys = [...objects.keys()].filter(key => namespace === undefined || key.startsWith(`${namespace}/`));
  return keys.sort(compareKeys).map(key => objects.get(key) as ApiObject);
}

export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
