import type { KubeObject } from '../../../common/kube/objects.ts';

/** An object as it was from `from` on; undefined: there was none any more. */
interface Version<T> {
  /** Wall milliseconds. */
  readonly from: number;
  readonly object: T | undefined;
}

/** All that the API server held of one kind, by UID. */
export class History<T extends KubeObject> {
  readonly #versions = new Map<string, Version<T>[]>();

  add(uid: string, version: Version<T>): void {
    const known = this.#versions.get(uid);
    if (known) known.push(version);
    else this.#versions.set(uid, [version]);
  }

  /** All that were there at that moment. */
  at(moment: number): readonly T[] {
    return [...this.#versions.keys()].flatMap(uid => this.of(uid, moment) ?? []);
  }

  of(uid: string, moment: number): T | undefined {
    return this.#versions.get(uid)?.findLast(({ from }) => from <= moment)?.object;
  }

  uids(): Iterable<string> {
    return this.#versions.keys();
  }

  /** Every version that was the newest at some moment between the two. */
  during(uid: string, from: number, to: number): readonly (T | undefined)[] {
    const versions = this.#versions.get(uid) ?? [];
    const within = versions.filter(version => version.from > from && version.from <= to);
    return [this.of(uid, from), ...within.map(({ object }) => object)];
  }
}
