import type { ApiObject } from './json.ts';

/** One committed write. */
export interface Change {
  readonly revision: number;
  /** Clock time of the commit, in milliseconds. */
  readonly at: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** As written; for DELETED the last state, with the revision of the deletion. */
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

/**
 * The recent writes to one kind. Watches read it by position, so that a slow watch costs no memory of its own: one that
 * falls behind what is kept is told so and ends with 410.
 */
export class ChangeLog {
  readonly #limit: number;
  readonly #listeners = new Set<() => void>();
  #changes: Change[] = [];
  /** Position of `#changes[0]` since the beginning. */
  #first = 0;
  /** Changes up to and including this revision are not all kept. */
  #compactedRevision = 0;

  /** `limit`: how many changes are kept at least; never more than twice as many. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  append(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length > 2 * this.#limit) this.#drop(this.#changes.length - this.#limit);
    for (const listener of this.#listeners) listener();
  }

  /** Forgets the changes up to and including `revision`; readers that have not seen them yet will be told. */
  compact(revision: number): void {
    const keep = this.#changes.findIndex(change => change.revision > revision);
    this.#drop(keep === -1 ? this.#changes.length : keep);
    this.#compactedRevision = Math.max(this.#compactedRevision, revision);
  }

  #drop(count: number): void {
    const last = this.#changes[count - 1];
    if (last) this.#compactedRevision = Math.max(this.#compactedRevision, last.revision);
    this.#changes = this.#changes.slice(count);
    this.#first += count;
  }

  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  /** One past the newest change's position. */
  get end(): number {
    return this.#first + this.#changes.length;
  }

  /** The position of the first change after `revision`, undefined when some of them are forgotten. */
  positionAfter(revision: number): number | undefined {
    if (revision < this.#compactedRevision) return undefined;
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#first + low;
  }

  /** Undefined when the change at this position is forgotten, or not there yet. */
  at(position: number): Change | undefined {
    return this.#changes[position - this.#first];
  }

  /** Calls `listener` after each append until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
