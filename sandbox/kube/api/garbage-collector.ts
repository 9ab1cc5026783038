import type { Clock } from '../../../common/clock.ts';
import type { Change } from './change-log.ts';
import type { ApiObject } from './json.ts';
import type { Kind } from './kinds.ts';
import { keyOf, type Store } from './store.ts';

interface Reference {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
}

export interface GarbageCollectorOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** From the owner's removal to that of its dependents. */
  readonly delayMs: number;
  readonly remove: (reference: Reference) => void;
}

/** Background cascading deletion: an object goes when the last of its owners is gone. */
export class GarbageCollector {
  readonly #options: GarbageCollectorOptions;
  readonly #living = new Set<string>();
  /** Owner uid -> dependents by uid. */
  readonly #dependents = new Map<string, Map<string, Reference>>();
  /** Objects that may have lost their last owner, by uid. */
  readonly #suspects = new Map<string, Reference>();
  #isScheduled = false;

  constructor(options: GarbageCollectorOptions) {
    this.#options = options;
    options.store.onChange((kind, change) => this.#observe(kind, change));
  }

  #observe(kind: Kind, change: Change): void {
    const { object, previous, type } = change;
    const reference = referenceTo(kind, object);
    for (const uid of ownersOf(previous)) this.#dependents.get(uid)?.delete(reference.uid);
    if (type === 'DELETED') {
      this.#living.delete(reference.uid);
      for (const dependent of this.#dependents.get(reference.uid)?.values() ?? []) this.#suspect(dependent);
      this.#dependents.delete(reference.uid);
      return;
    }
    this.#living.add(reference.uid);
    for (const uid of ownersOf(object)) this.#link(uid, reference);
  }

  #link(ownerUid: string, dependent: Reference): void {
    const dependents = this.#dependents.get(ownerUid) ?? new Map<string, Reference>();
    dependents.set(dependent.uid, dependent);
    if (this.#living.has(ownerUid)) this.#dependents.set(ownerUid, dependents);
    else this.#suspect(dependent);
  }

  #suspect(reference: Reference): void {
    this.#suspects.set(reference.uid, reference);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.clock.schedule(this.#options.delayMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#isScheduled = false;
    const suspects = [...this.#suspects.values()];
    this.#suspects.clear();
    for (const suspect of suspects) {
      const object = this.#options.store.get(suspect.kind, suspect.namespace, suspect.name);
      if (!object || object.metadata.uid !== suspect.uid || object.metadata.deletionTimestamp) continue;
      const owners = ownersOf(object);
      if (owners.length > 0 && owners.every(uid => !this.#living.has(uid))) this.#options.remove(suspect);
    }
  }

  /** The objects that name this owner. */
  dependentsOf(ownerUid: string): readonly Reference[] {
    const dependents = [...(this.#dependents.get(ownerUid)?.values() ?? [])];
    return dependents.sort((a, b) => (keyOf(a.namespace, a.name) < keyOf(b.namespace, b.name) ? -1 : 1));
  }
}

function referenceTo(kind: Kind, object: ApiObject): Reference {
  const { namespace, name, uid } = object.metadata;
  return { kind, namespace, name, uid: uid ?? '' };
}

function ownersOf(object: ApiObject | undefined): string[] {
  return (object?.metadata.ownerReferences ?? []).map(owner => owner.uid);
}
