import { type Clock, sleep } from '../../../common/clock.ts';
import { deadline } from '../../../common/deadline.ts';
import { KubeResponseError } from '../../../common/kube/transport.ts';
import type { Random } from '../../../common/random.ts';
import { type ElectionOptions, RETRY_JITTER, validateElectionOptions } from './election-options.ts';
import {
  type Effect,
  type ElectionState,
  electionStep,
  INITIAL_ELECTION_STATE,
  type Observation,
  type Predecessor,
  renewDeadlineOf,
} from './election-step.ts';
import type { LeaseLock } from './lease-lock.ts';

export interface LeaderElectorOptions extends ElectionOptions {
  readonly lock: LeaseLock;
  readonly clock: Clock;
  readonly random: Random;
  /** Called synchronously, before any other request; `term` grows with every change of leader. */
  readonly onStartedLeading: (term: number, predecessor: Predecessor) => void;
  /** Called synchronously; nothing may be written from now on. */
  readonly onStoppedLeading: () => void;
  /** The lease was looked at, and somebody else leads or nobody. */
  readonly onFollowed: () => void;
  /** A request about the lease failed; it is tried again. */
  readonly onError: (error: unknown) => void;
}

/** So many attempts fit into the renew deadline, even when each hangs. */
const ATTEMPTS_PER_DEADLINE = 3;
/** How much later than the lease's end a leader that has not stepped down counts as stalled. */
const STALL_TOLERANCE_MS = 5_000;
const RELEASE_ATTEMPTS = 3;

/**
 * Chooses one leader among processes that share a Lease. Its promise is `mayWriteUntil`; leading alone is no licence, as
 * the process may have been frozen.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  #state: ElectionState = INITIAL_ELECTION_STATE;
  /** Ends the pause between two attempts, or the next one if none is under way. */
  #wake = new AbortController();
  /** The attempt in flight: there is one at a time. */
  #attempt: Promise<void> = Promise.resolve();

  /** @throws RangeError when the durations do not fit together. */
  constructor(options: LeaderElectorOptions) {
    validateElectionOptions(options);
    this.#options = options;
  }

  /** Takes part until `signal` aborts, or `release` was called; stops leading then. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wake.abort();
    signal.addEventListener('abort', onAbort);
    while (!signal.aborted && !this.#state.hasResigned) {
      this.#attempt = this.#tryOnce({ type: 'tick' }, signal);
      await this.#attempt;
      if (!this.isLeading) this.#options.onFollowed();
      await this.#pause();
    }
    signal.removeEventListener('abort', onAbort);
    if (!this.#state.leadership) return;
    this.#state = { ...this.#state, leadership: undefined };
    this.#options.onStoppedLeading();
  }

  get isLeading(): boolean {
    return this.#state.leadership !== undefined;
  }

  /**
   * The monotonic time until which nobody else can hold the lease: the start of the last successful renewal plus the lease
   * duration. -Infinity when not leading. A write with deadline `d` may start only if `now + d + 1 s` is not later.
   */
  mayWriteUntil(): number {
    const { leadership } = this.#state;
    return leadership ? leadership.renewedAt + this.#options.leaseDurationMs : Number.NEGATIVE_INFINITY;
  }

  /** Who holds the lease as far as we know; empty after a release. */
  holderIdentity(): string | undefined {
    return this.#state.observed?.lease.spec?.holderIdentity;
  }

  /** For the liveness probe: true when we believe we lead although the lease must have run out. */
  isStalled(): boolean {
    return this.isLeading && this.#options.clock.now() > this.mayWriteUntil() + STALL_TOLERANCE_MS;
  }

  /**
   * Tells that the process of `identity` is proven to have ended, not later than `at` (monotonic): if it holds the lease,
   * we try to take it at once.
   */
  holderDied(identity: string, at: number): void {
    this.#apply({ type: 'holderDied', identity, at });
    if (this.holderIdentity() === identity) this.#wake.abort();
  }

  /**
   * Stops leading and hands the lease over at once, instead of letting it run out; `run` ends. Call it when no write is in
   * flight any more. Resolves also if the lease could not be written: it runs out then.
   */
  async release(signal: AbortSignal): Promise<void> {
    this.#apply({ type: 'resigned' });
    this.#wake.abort();
    await this.#attempt;
    for (let attempt = 0; attempt < RELEASE_ATTEMPTS; attempt++) {
      await this.#tryOnce({ type: 'resigned' }, signal);
      if (this.holderIdentity() !== this.#options.identity) return;
    }
  }

  /** Steps, performing what each step asks for, until one asks for nothing. */
  async #tryOnce(first: Observation, signal: AbortSignal): Promise<void> {
    let request = this.#apply(first);
    while (request && !signal.aborted) request = this.#apply(await this.#perform(request, signal));
  }

  #apply(observation: Observation): RequestEffect | undefined {
    const { clock, onStartedLeading, onStoppedLeading } = this.#options;
    const now = { monotonicMs: clock.now(), wallMs: clock.wallNow() };
    const { state, effects } = electionStep(this.#options, this.#state, observation, now);
    this.#state = state;
    for (const effect of effects) {
      if (effect.type === 'startLeading') onStartedLeading(effect.term, effect.predecessor);
      else if (effect.type === 'stopLeading') onStoppedLeading();
      else return effect;
    }
    return undefined;
  }

  async #perform(request: RequestEffect, signal: AbortSignal): Promise<Observation> {
    const { lock, clock, onError } = this.#options;
    const startedAt = clock.now();
    using limit = deadline(clock, `${request.type} of ${lock.name}`, this.#requestTimeoutMs(startedAt), signal);
    try {
      if (request.type === 'read') return { type: 'read', lease: await lock.read(limit.signal) };
      return { type: 'written', lease: await lock.write(request.lease, limit.signal), startedAt };
    } catch (error) {
      if (!signal.aborted && !isConflict(error)) onError(error);
      return { type: 'failed' };
    }
  }

  #requestTimeoutMs(now: number): number {
    const timeoutMs = this.#options.renewDeadlineMs / ATTEMPTS_PER_DEADLINE;
    const deadlineAt = renewDeadlineOf(this.#options, this.#state) ?? Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(timeoutMs, deadlineAt - now));
  }

  async #pause(): Promise<void> {
    await sleep(this.#options.clock, this.#pauseMs(), this.#wake.signal).catch(() => undefined);
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }

  /** A leader renews steadily and never sleeps past its deadline. */
  #pauseMs(): number {
    const { clock, random, retryPeriodMs } = this.#options;
    const deadlineAt = renewDeadlineOf(this.#options, this.#state);
    if (deadlineAt === undefined) return retryPeriodMs * (1 + random.next() * RETRY_JITTER);
    return Math.max(0, Math.min(retryPeriodMs, deadlineAt - clock.now()));
  }
}

/** Another replica was first: part of every election. */
function isConflict(error: unknown): boolean {
  return error instanceof KubeResponseError && error.status === 409;
}

type RequestEffect = Extract<Effect, { type: 'read' | 'write' }>;
