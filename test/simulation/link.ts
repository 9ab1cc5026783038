import type { KubeTransport, WatchEvent } from '../../common/kube/transport.ts';
import { KubeConnectionError } from '../../common/kube/transport.ts';
import { ClbConnectionError, type ClbTransport } from '../../coordinator/cloud/transport.ts';

/** `refused`: whoever calls is told at once, and what is open breaks. `silent`: nothing ever comes back. */
export type Reach = 'open' | 'refused' | 'silent';

/** The way from one process to one server. What was on its way when it closed may still have its effect. */
export class Link {
  #reach: Reach = 'open';
  /** How often somebody tried to pass. */
  tries = 0;
  #closed = new AbortController();

  set(reach: Reach): void {
    if (reach === this.#reach) return;
    this.#reach = reach;
    this.#closed.abort();
    if (reach === 'open') this.#closed = new AbortController();
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

  #fail(signal: AbortSignal, broken: () => Error): Promise<never> {
    if (this.#reach === 'silent') return untilAborted(signal);
    return Promise.reject(broken());
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
