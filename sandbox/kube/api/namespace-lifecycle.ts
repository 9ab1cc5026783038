import type { Clock } from '../../../common/clock.ts';
import type { ApiObject } from './json.ts';
import { KINDS, type Kind, NAMESPACE } from './kinds.ts';
import type { Store } from './store.ts';

export interface NamespaceLifecycleOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Between a change in a terminating namespace and the next look at it. */
  readonly delayMs: number;
  readonly remove: (kind: Kind, object: ApiObject) => void;
}

/** Empties namespaces that are being deleted, and removes each when its last object has gone. */
export class NamespaceLifecycle {
  readonly #options: NamespaceLifecycleOptions;
  readonly #terminating = new Set<string>();
  readonly #scheduled = new Set<string>();

  constructor(options: NamespaceLifecycleOptions) {
    this.#options = options;
    options.store.onChange((kind, { object, type }) => {
      if (kind === NAMESPACE && type !== 'DELETED' && object.metadata.deletionTimestamp) {
        this.#terminating.add(object.metadata.name);
        this.#schedule(object.metadata.name);
      } else if (type === 'DELETED' && this.#terminating.has(object.metadata.namespace ?? '')) {
        this.#schedule(object.metadata.namespace ?? '');
      }
    });
  }

  #schedule(namespace: string): void {
    if (this.#scheduled.has(namespace)) return;
    this.#scheduled.add(namespace);
    this.#options.clock.schedule(this.#options.delayMs, () => {
      this.#scheduled.delete(namespace);
      this.#empty(namespace);
    });
  }

  #empty(namespace: string): void {
    const { store, remove } = this.#options;
    const content = () =>
      KINDS.filter(kind => kind.namespaced).flatMap(kind =>
        store.list(kind, namespace).map(object => ({ kind, object })),
      );
    for (const { kind, object } of content()) {
      if (!object.metadata.deletionTimestamp && store.get(kind, namespace, object.metadata.name)) remove(kind, object);
    }
    const self = store.get(NAMESPACE, undefined, namespace);
    if (!self || content().length > 0) return;
    this.#terminating.delete(namespace);
    store.remove(NAMESPACE, self);
  }
}
