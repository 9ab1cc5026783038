import { aborted } from '../../common/aborted.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import type { KubeTransport, WatchEvent } from '../../common/kube/transport.ts';
import { KubeConnectionError } from '../../common/kube/transport.ts';
import { ClbConnectionError, type ClbTransport } from '../../coordinator/cloud/transport.ts';
import type { ProcessClock } from './process/process-clock.ts';

/**
 * `refused`: whoever calls is told at once, and what is open breaks. `silent`: nothing comes back as long as it lasts; what
 * was open then breaks, since nobody on the way remembers it.
 */
export type Reach = 'open' | 'refused' | 'silent';

/**
 * The way from one process to one server. What was on its way when it closed may still have its effect, and nothing
 * reaches a process that is frozen.
 */
export class Link {
  readonly #world: Clock;
  readonly #process: ProcessClock;
  #reach: Reach = 'open';
  /** How often somebody tried to pass. */
  tries = 0;
  /** Watches that are open, or being opened. */
  watches = 0;
  #closed = new AbortController();
  #reopened = new AbortController();
  #drawDelayMs: (() => number) | undefined;

  constructor(world: Clock, process: ProcessClock) {
    this.#world = world;
    this.#process = process;
  }

  set(reach: Reach): void {
    if (reach === this.#reach) return;
    this.#reach = reach;
    this.#closed.abort();
    if (reach !== 'open') return;
    this.#closed = new AbortController();
    this.#reopened.abort();
    this.#reopened = new AbortController();
  }

  /** Whatever is open breaks, and can be opened again at once. */
  cut(): void {
    if (this.#reach !== 'open') return;
    this.#closed.abort();
    this.#closed = new AbortController();
  }

  /** From now on each request, each answer and each event of a watch takes so much longer; undefined: no longer. */
  delay(drawDelayMs: (() => number) | undefined): void {
    this.#drawDelayMs = drawDelayMs;
  }

  kube(inner: KubeTransport): KubeTransport {
    const broken = () => new KubeConnectionError('connect ECONNREFUSED: the API server is not reachable');
    return {
      request: (request, signal) => this.#carry(limit => inner.request(request, limit), signal, broken),
      watch: (request, signal, onOpened) => {
        const open = (limit: AbortSignal) =>
          inner.watch(request, limit, onOpened && (() => this.#bring(onOpened, limit)));
        return this.#follow(open, signal, broken);
      },
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
    using both = eitherOf(signal, closed);
    const either = both.signal;
    try {
      await this.#travel(either);
      const answer = await send(either);
      await this.#travel(either);
      await this.#process.awake();
      either.throwIfAborted();
      return answer;
    } catch (error) {
      await this.#process.awake();
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
    using both = eitherOf(signal, closed);
    const either = both.signal;
    this.watches += 1;
    try {
      for await (const event of open(either)) {
        await this.#travel(either);
        await this.#process.awake();
        either.throwIfAborted();
        yield event;
      }
      await this.#process.awake();
    } catch (error) {
      await this.#process.awake();
      if (signal.aborted || !closed.aborted) throw error;
      await this.#fail(signal, broken);
    } finally {
      this.watches -= 1;
    }
  }

  /** What nobody waits for. */
  #bring(news: () => void, signal: AbortSignal): void {
    const arrive = async () => {
      await this.#travel(signal);
      await this.#process.awake();
      if (!signal.aborted) news();
    };
    void arrive().catch(() => undefined);
  }

  async #travel(signal: AbortSignal): Promise<void> {
    if (this.#drawDelayMs) await sleep(this.#world, this.#drawDelayMs(), signal);
  }

  async #fail(signal: AbortSignal, broken: () => Error): Promise<never> {
    if (this.#reach === 'silent') {
      using either = eitherOf(signal, this.#reopened.signal);
      await aborted(either.signal);
    }
    await this.#process.awake();
    signal.throwIfAborted();
    throw broken();
  }
}

/**
 * As AbortSignal.any, at a fraction of its price, for one scope. Node keeps what listens to one of those for good, and in
 * a world that has ended nobody aborts anything any more.
 */
function eitherOf(first: AbortSignal, second: AbortSignal): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const signals = [first, second];
  const onAbort = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of signals) signal.removeEventListener('abort', onAbort);
    },
  };
}
