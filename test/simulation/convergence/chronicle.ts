import type { Clock } from '../../../common/clock.ts';
import type { KubeObject, Pod, Service } from '../../../common/kube/objects.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';

/** An object as it was from `from` on; undefined: there was none any more. */
interface Version<T> {
  /** Wall milliseconds. */
  readonly from: number;
  readonly object: T | undefined;
}

/** All that the API server held of one kind, by UID. */
class History<T extends KubeObject> {
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

/** Services and Pods of the whole cluster through time, as anybody who watches the API server sees them. */
export class Chronicle {
  readonly services = new History<Service>();
  readonly pods = new History<Pod>();
  readonly #clock: Clock;
  readonly #kube: KubeTransport;

  constructor(clock: Clock, kube: KubeTransport) {
    this.#clock = clock;
    this.#kube = kube;
  }

  /** Writes until `signal` aborts. Begin before there is any object. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#follow('/api/v1/services', this.services, signal),
      this.#follow('/api/v1/pods', this.pods, signal),
    ]);
  }

  async #follow<T extends KubeObject>(path: string, history: History<T>, signal: AbortSignal): Promise<void> {
    let resourceVersion = '';
    while (!signal.aborted) {
      const query = resourceVersion === '' ? {} : { query: { resourceVersion } };
      try {
        for await (const { type, object } of this.#kube.watch({ method: 'GET', path, ...query }, signal)) {
          if (type === 'ERROR') throw new Error(`the watch of ${path} has lost its place: ${object.message}`);
          const { uid = '', resourceVersion: version } = object.metadata;
          resourceVersion = version ?? resourceVersion;
          const from = this.#clock.wallNow();
          if (type !== 'BOOKMARK') history.add(uid, { from, object: type === 'DELETED' ? undefined : (object as T) });
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }
}
