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
