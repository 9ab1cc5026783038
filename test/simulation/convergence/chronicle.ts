import type { Clock } from '../../../common/clock.ts';
import type { KubeObject, Pod, Service } from '../../../common/kube/objects.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';
import { History } from './history.ts';

/** Services and Pods of users through time, as anybody who watches the API server sees them. */
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
      this.#follow('/api/v1/namespaces/default/services', this.services, signal),
      this.#follow('/api/v1/namespaces/default/pods', this.pods, signal),
    ]);
  }

  async #follow<T extends KubeObject>(path: string, history: History<T>, signal: AbortSignal): Promise<void> {
    let resourceVersion = '';
    while (!signal.aborted) {
      const query = resourceVersion === '' ? {} : { query: { resourceVersion } };
      try {
        for await (const { type, object } of this.#kube.watch({ method: 'GET', path, ...query }, signal)) {
          if (type === 'ERROR') {
            resourceVersion = await this.#list(path, history, signal);
            break;
          }
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

  /** The server has forgotten what came after the last event, because its history was cut in that same moment. */
  async #list<T extends KubeObject>(path: string, history: History<T>, signal: AbortSignal): Promise<string> {
    const { status, body } = await this.#kube.request({ method: 'GET', path }, signal);
    if (status !== 200) throw new Error(`the list of ${path} was answered with ${status}`);
    const { items, metadata } = body as { items: readonly T[]; metadata: { resourceVersion: string } };
    const from = this.#clock.wallNow();
    const listed = new Set(items.map(({ metadata: { uid } }) => uid));
    for (const object of items) history.add(object.metadata.uid ?? '', { from, object });
    for (const uid of history.uids()) if (!listed.has(uid)) history.add(uid, { from, object: undefined });
    return metadata.resourceVersion;
  }
}
