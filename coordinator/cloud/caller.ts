import { abortable } from '../../common/abortable.ts';
import { backoffDelayMs } from '../../common/backoff.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import { DeadlineExceededError, deadline } from '../../common/deadline.ts';
import type { Random } from '../../common/random.ts';
import { classify } from './classify.ts';
import { NotSentError } from './failures.ts';
import { type RateLimiter, rateLimiter } from './limiter.ts';
import type { Reply } from './reply-fields.ts';
import type { ClbTransport } from './transport.ts';
import type { CallPriority, CloudError, CloudResult } from './types.ts';

export interface CloudLimits {
  /** The highest rate of each action, in an account and region; CLB's own default is 20. */
  readonly requestsPerSecond: number;
  readonly burst: number;
  /** How many calls of one action and priority may wait for the rate limit. */
  readonly waitingMax: number;
  /** From the start of a write, waiting for the rate limit included, to the end of its task. */
  readonly writeTimeoutMs: number;
  /** The same for making or deleting load balancers and listeners, which takes CLB about 10 s. */
  readonly configurationTimeoutMs: number;
  /** Of one attempt of a read, once it is sent. */
  readonly readTimeoutMs: number;
  /** How often a read is repeated after a throttled or retryable error. */
  readonly readRetriesMax: number;
}

const DEFAULT_CLOUD_LIMITS: CloudLimits = {
  requestsPerSecond: 18,
  burst: 2,
  waitingMax: 256,
  writeTimeoutMs: 6000,
  configurationTimeoutMs: 60_000,
  readTimeoutMs: 2000,
  readRetriesMax: 2,
};

const READ_RETRY = { initialMs: 400, maximumMs: 2000 };

/** The outcome of a call that did what it should. */
export const CALL_OK = 'ok';

/** One request that left or was given up; for metrics. */
export interface CallObservation {
  readonly action: string;
  /** `ok`, or our code of the error. */
  readonly outcome: string;
  /** Waiting for the rate limit. */
  readonly waitedMs: number;
  /** From sending to the answer; 0 when it was not sent. */
  readonly durationMs: number;
}

/** One asynchronous task of CLB that was waited for to its end; for metrics. */
export interface TaskObservation {
  readonly action: string;
  readonly durationMs: number;
}

export interface CallerOptions {
  readonly transport: ClbTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: Partial<CloudLimits>;
  readonly observe?: (observation: CallObservation) => void;
  readonly observeTask?: (observation: TaskObservation) => void;
}

export interface Question<T> {
  readonly action: string;
  readonly parameters: object;
  readonly parse: (reply: Reply) => T;
  /** `normal` when it is not given. */
  readonly priority?: CallPriority | undefined;
}

export interface Write {
  readonly action: string;
  /** From its start to its end, waiting for the rate limit and for tasks included. */
  readonly timeoutMs: number;
  /** Of all its requests; `normal` when it is not given. */
  readonly priority?: CallPriority | undefined;
}

/** Sends one request and resolves with what `parse` makes of the reply. */
export type Send = <T>(action: string, parameters: object, parse: (reply: Reply) => T) => Promise<T>;

/** Sends requests with rate limit and deadline, and turns every operating error into a value. */
export class Caller {
  readonly limits: CloudLimits;
  readonly #options: CallerOptions;
  readonly #limiter: RateLimiter;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_CLOUD_LIMITS, ...options.limits };
    this.#limiter = rateLimiter({ clock: options.clock, ...this.limits });
  }

  /** Calls of a priority that wait for the rate limit now. */
  waiting(priority: CallPriority): number {
    return this.#limiter.waiting(priority);
  }

  /** Requests per second that each action may send now. */
  rates(): ReadonlyMap<string, number> {
    return this.#limiter.rates();
  }

  /** One read, repeated at most `readRetriesMax` times while its error may pass by itself. */
  async read<T>(question: Question<T>, signal: AbortSignal): Promise<CloudResult<T>> {
    const { clock, random } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      const result = await this.#settle(question.action, signal, () => this.readOnce(question, signal));
      if (result.ok || isFinal(result.error) || attempt >= this.limits.readRetriesMax) return result;
      await sleep(clock, backoffDelayMs(attempt, READ_RETRY, random), signal);
    }
  }

  /** One attempt of a read. @throws what `ClbTransport.call` throws, and the failures of failures.ts and limiter.ts. */
  async readOnce<T>(question: Question<T>, signal: AbortSignal): Promise<T> {
    const { action, parameters, parse } = question;
    return this.#send(question, signal, async () => {
      using limit = deadline(this.#options.clock, action, this.limits.readTimeoutMs, signal);
      return parse(await this.#call(action, parameters, limit.signal));
    });
  }

  /**
   * A write of one or several requests under one deadline, never repeated here. Once a request was accepted, an error in
   * what follows leaves the outcome unknown. However long its task may take, a request that changes something has left
   * and ended within `writeTimeoutMs`: no more than that of the lease was asked for (law L7).
   */
  write<T>(
    { action, timeoutMs, priority }: Write,
    signal: AbortSignal,
    body: (send: Send, signal: AbortSignal) => Promise<T>,
  ): Promise<CloudResult<T>> {
    let accepted = false;
    const run = async (): Promise<T> => {
      const { clock } = this.#options;
      using limit = deadline(clock, action, timeoutMs, signal);
      using requestLimit = deadline(clock, action, Math.min(timeoutMs, this.limits.writeTimeoutMs), limit.signal);
      const send: Send = (name, parameters, parse) =>
        this.#send({ action: name, priority }, requestLimit.signal, async () => {
          const reply = await this.#call(name, parameters, requestLimit.signal);
          accepted = true;
          return parse(reply);
        });
      return await body(send, limit.signal);
    };
    return this.#settle(action, signal, run, () => accepted);
  }

  /** Waits for the rate limit, sends, observes. */
  async #send<T>(
    { action, priority = 'normal' }: { readonly action: string; readonly priority?: CallPriority | undefined },
    signal: AbortSignal,
    perform: () => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    const enteredAt = clock.now();
    await this.#acquire(action, priority, signal);
    const sentAt = clock.now();
    const observe = (outcome: string) => {
      const now = clock.now();
      this.#options.observe?.({ action, outcome, waitedMs: sentAt - enteredAt, durationMs: now - sentAt });
    };
    try {
      const value = await perform();
      observe(CALL_OK);
      return value;
    } catch (error) {
      if (signal.aborted && !(signal.reason instanceof DeadlineExceededError)) throw signal.reason;
      const { class: kind, code } = classify(action, error);
      observe(code);
      if (kind === 'throttled') this.#limiter.throttled(action, sentAt);
      throw error;
    }
  }

  async #acquire(action: string, priority: CallPriority, signal: AbortSignal): Promise<void> {
    try {
      await this.#limiter.acquire(action, priority, signal);
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw error;
      throw new NotSentError(`${action}: waited for the rate limit until its deadline (${error.timeoutMs} ms)`);
    }
  }

  #call(action: string, parameters: object, signal: AbortSignal): Promise<Reply> {
    return abortable(this.#options.transport.call(action, parameters, signal), signal);
  }

  async #settle<T>(
    action: string,
    signal: AbortSignal,
    run: () => Promise<T>,
    accepted: () => boolean = () => false,
  ): Promise<CloudResult<T>> {
    try {
      return { ok: true, value: await run() };
    } catch (error) {
      signal.throwIfAborted();
      const classified = classify(action, error);
      return { ok: false, error: accepted() ? { ...classified, outcomeUnknown: true } : classified };
    }
  }
}

function isFinal(error: CloudError): boolean {
  return error.class === 'terminal' || error.class === 'busy';
}
