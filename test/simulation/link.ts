import { aborted } from '../../common/aborted.ts';
import type { KubeTransport, WatchEvent } from '../../common/kube/transport.ts';
import { KubeConnectionError } from '../../common/kube/transport.ts';
import { ClbConnectionError, type ClbTransport } from '../../coordinator/cloud/transport.ts';

/**
 * `refused`: whoever calls is told at once, and what is open breaks. `silent`: nothing comes back as long as it lasts; what
 * was open then breaks, since nobody on the way remembers it.
 */
export type Reach = 'open' | 'refused' | 'silent';

/** The way from one process to one server. What was on its way when it closed may still have its effect. */
export class Link {
  #reach: Reach = 'open';
  /** How often somebody tried to pass. */
  tries = 0;
  #closed = new AbortController();
  #reopened = new AbortController();

  set(reach: Reach): void {
    if (reach === this.#reach) return;
    this.#reach = reach;
    this.#closed.abort();
    if (reach !== 'open') return;
    this.#closed = new AbortController();
    this.#reopened.abort();
    this.#reopened = new AbortController();
  }

  kube(inner: KubeTransport): KubeTransport {
    const broken = () => new KubeConnectionError('connect ECONNREFUSED: the API server is not reachable');
    return {
      request: (request, signal) => this.#carry(limit => inner.request(request, limit), signal, broken),
      watch: (request, signal) => this.#follow(limit => inner.watch(request, limit), signal, broken),
    };
  }

  clb(inner: ClbTransport): ClbTransport {
    return {
      call: (action, parameters, signal) => {
        const broken = () => new ClbConnectionError(action, 'connect ECONNREFUSED: the endpoint is not reachable');
        return this.#carry(limit => inner.call(action, parameters, limit), signal, broken);
      },
    };
  }

  async #carry<T>(send: (limit: AbortSignal) => Promise<T>, signal: AbortSignal, broken: () => Error): Promise<T> {
    this.tries += 1;
    if (this.#reach !== 'open') return this.#fail(signal, broken);
    const closed = this.#closed.signal;
    try {
      return await send(AbortSignal.any([signal, closed]));
    } catch (error) {
      if (signal.aborted || !closed.aborted) throw error;
      return this.#fail(signal, broken);
    }
  }

  async *#follow(
    open: (limit: AbortSignal) => AsyncIterable<WatchEvent>,
    signal: AbortSignal,
    broken: () => Error,
  ): AsyncGenerator<WatchEvent> {
    if (this.#reach !== 'open') await this.#fail(signal, broken);
    const closed = this.#closed.signal;
    try {
      yield* open(AbortSignal.any([signal, closed]));
    } catch (error) {
      if (signal.aborted || !closed.aborted) throw error;
      await this.#fail(signal, broken);
    }
  }

  async #fail(signal: AbortSignal, broken: () => Error): Promise<never> {
    if (this.#reach === 'silent') await aborted(AbortSignal.any([signal, this.#reopened.signal]));
    signal.throwIfAborted();
    throw broken();
  }
}
