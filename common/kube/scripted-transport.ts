import type { KubeRequest, KubeResponse, KubeTransport, WatchEvent } from './transport.ts';

/** For tests: a transport that answers as it is told and remembers what it was asked. */
export class ScriptedTransport implements KubeTransport {
  readonly requests: KubeRequest[] = [];
  readonly watches: ScriptedWatch[] = [];
  /** Answers every request; a promise that stays pending is a server that hangs. */
  answer: (request: KubeRequest) => KubeResponse | Promise<KubeResponse>;

  constructor(answer: ScriptedTransport['answer']) {
    this.answer = answer;
  }

  request(request: KubeRequest, signal: AbortSignal): Promise<KubeResponse> {
    this.requests.push(request);
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      Promise.resolve(request).then(this.answer).then(resolve, reject);
    });
  }

  watch(request: KubeRequest, signal: AbortSignal, onOpened?: () => void): AsyncIterable<WatchEvent> {
    const watch = new ScriptedWatch(request, signal, onOpened);
    this.watches.push(watch);
    return watch;
  }
}

/** One watch that the product opened. */
export class ScriptedWatch implements AsyncIterable<WatchEvent>, AsyncIterator<WatchEvent> {
  readonly request: KubeRequest;
  isClosed = false;
  readonly #onOpened: (() => void) | undefined;
  readonly #pending: Outcome[] = [];
  #waiting: ((outcome: Outcome) => void) | undefined;

  constructor(request: KubeRequest, signal: AbortSignal, onOpened?: () => void) {
    this.request = request;
    this.#onOpened = onOpened;
    signal.addEventListener('abort', () => this.#settle({ error: signal.reason }), { once: true });
  }

  /** The server accepts it, and has nothing to tell yet. */
  accept(): void {
    this.#onOpened?.();
  }

  push(event: WatchEvent): void {
    this.#settle({ result: { done: false, value: event } });
  }

  end(): void {
    this.#settle({ result: { done: true, value: undefined } });
  }

  fail(error: unknown): void {
    this.#settle({ error });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<WatchEvent>> {
    const outcome = this.#pending.shift() ?? (await this.#nextOutcome());
    if ('result' in outcome && !outcome.result.done) return outcome.result;
    this.isClosed = true;
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  }

  async return(): Promise<IteratorResult<WatchEvent>> {
    this.isClosed = true;
    return { done: true, value: undefined };
  }

  #nextOutcome(): Promise<Outcome> {
    return new Promise(resolve => {
      this.#waiting = resolve;
    });
  }

  #settle(outcome: Outcome): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(outcome);
    else this.#pending.push(outcome);
  }
}

type Outcome = { readonly result: IteratorResult<WatchEvent> } | { readonly error: unknown };
