import type { Clock } from '../../../common/clock.ts';
import type { Pod, Service } from '../../../common/kube/objects.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';
import { History } from './history.ts';
import { keepHistory } from './keep-history.ts';

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
    const source = { clock: this.#clock, kube: this.#kube };
    await Promise.all([
      keepHistory({ ...source, path: '/api/v1/namespaces/default/services', history: this.services }, signal),
      keepHistory({ ...source, path: '/api/v1/namespaces/default/pods', history: this.pods }, signal),
    ]);
  }
}
