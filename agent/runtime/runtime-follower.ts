import { Backoff } from '../../common/backoff.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { AgentMetrics } from '../metrics.ts';
import { ContainerRegister } from './container-register.ts';
import type { ProcRuntime } from './proc-runtime.ts';
import { eventStreamOf, type RuntimeChoice, remedyFor } from './runtime-choice.ts';
import type { EventStream, RuntimeClient, RuntimeEvent, RuntimeFilter, RuntimeVersion } from './runtime-client.ts';
import type { ContainerExit } from './source.ts';

export interface RuntimeFollowerOptions {
  readonly client: RuntimeClient;
  readonly choice: RuntimeChoice;
  /** The second witness that a container which the runtime no longer lists has ended. */
  readonly processes: Pick<ProcRuntime, 'hasProcess'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  /** Each exit once, in the order they are learnt. */
  readonly onExit: (exit: ContainerExit) => void;
  /** The process of a sandbox or container ended. */
  readonly onEnd: (id: string) => void;
}

const CALL_TIMEOUT_MS = 5_000;
const RECONNECT = { initialMs: 200, maximumMs: 10_000, resetAfterMs: 60_000 };
/**
 * When lists are asked for after subscribing: at once, a second later (nothing tells when a subscription takes effect,
 * so the first list may have come before it), then regularly, which also notices a runtime that hangs.
 */
const RELIST_AFTER_MS = [0, 1_000];
const RELIST_PERIOD_MS = 60_000;
/** Containers that were never seen and wait to be asked about; a full list is the better question beyond it. */
const LOOK_UPS_PENDING_MAX = 1_024;

/**
 * Follows a runtime's events over all its restarts. What happens while nobody listens is found by comparing lists: a
 * container that lived before and that the runtime now calls exited has ended; one that the list does not hold has ended
 * only if no process of it is left either.
 */
export class RuntimeFollower {
  readonly #options: RuntimeFollowerOptions;
  readonly #register = new ContainerRegister();
  readonly #lookUps: Wakeup;
  /** Containers to ask about; `hasExited` where their end was told. */
  #unknown = new Map<string, { hasExited: boolean }>();
  #state: 'starting' | 'following' | 'apart' = 'starting';
  #hasListed = false;

  constructor(options: RuntimeFollowerOptions) {
    this.#options = options;
    this.#lookUps = new Wakeup(options.clock);
  }

  /** Runs until `signal` aborts; failures of the runtime are counted, told and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ ...this.#options, ...RECONNECT });
    this.#options.metrics.runtimeFollowed(false);
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (!signal.aborted) this.#parted(error);
      }
      await sleep(this.#options.clock, backoff.nextDelayMs(), signal).catch(() => undefined);
    }
  }

  /** One connection, until it fails. */
  async #follow(signal: AbortSignal): Promise<never> {
    const { client, choice } = this.#options;
    const version = await this.#call('asking for the runtime', limit => client.version(limit), signal);
    const stream = eventStreamOf(choice, version.runtimeName);
    const session = new AbortController();
    this.#unknown.clear();
    const parts = [this.#listen(stream, session), this.#relist(version, session.signal), this.#lookUp(session.signal)];
    const end = () => session.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    try {
      return await Promise.race(parts);
    } finally {
      signal.removeEventListener('abort', end);
      session.abort(signal.reason);
      await Promise.allSettled(parts);
    }
  }

  #listen(stream: EventStream, session: AbortController): Promise<never> {
    const observe = (event: RuntimeEvent) => {
      if (!session.signal.aborted) this.#observe(event, session);
    };
    return this.#options.client.subscribe(stream, observe, session.signal);
  }

  #observe(event: RuntimeEvent, session: AbortController): void {
    const { metrics, log } = this.#options;
    switch (event.type) {
      case 'started':
        if (!this.#register.isKnown(event.containerId)) this.#ask(event.containerId, { hasExited: false }, session);
        return;
      case 'exited':
        this.#options.onEnd(event.containerId);
        if (!this.#tellEnd(event.containerId)) this.#ask(event.containerId, { hasExited: true }, session);
        return;
      case 'outOfMemory':
        metrics.runtimeOutOfMemory();
        log.info('a process was killed for want of memory', { ...this.#register.find(event.containerId), ...event });
        return;
      case 'execExited':
        metrics.runtimeExit('exec');
        return;
      case 'malformed':
        metrics.runtimeEventMalformed();
        return;
    }
  }

  /** False when the runtime has to be asked what it was. */
  #tellEnd(id: string): boolean {
    const verdict = this.#register.exited(id);
    switch (verdict.type) {
      case 'container':
        this.#tell(verdict.exit, 'container');
        return true;
      case 'sandbox':
        this.#options.metrics.runtimeExit('sandbox');
        return true;
      case 'repeated':
        return true;
      case 'unknown':
        return false;
    }
  }

  #tell(exit: ContainerExit, kind: 'container' | 'earlier' | 'missed'): void {
    this.#options.metrics.runtimeExit(kind);
    this.#options.onExit(exit);
  }

  #ask(id: string, question: { readonly hasExited: boolean }, session: AbortController): void {
    if (this.#unknown.size >= LOOK_UPS_PENDING_MAX) {
      session.abort(new Error(`more than ${LOOK_UPS_PENDING_MAX} unknown containers wait to be asked about`));
      return;
    }
    this.#unknown.set(id, question);
    this.#lookUps.wake();
  }

  /** Asks about containers that came after the last list; several at once by one list of all. */
  async #lookUp(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#lookUps.wait(signal);
      signal.throwIfAborted();
      const asked = this.#unknown;
      this.#unknown = new Map();
      if (asked.size > 0) await this.#learnAbout(asked, signal);
    }
  }

  async #learnAbout(asked: ReadonlyMap<string, { hasExited: boolean }>, signal: AbortSignal): Promise<void> {
    const [only] = asked.keys();
    const listing = await this.#list(asked.size === 1 && only !== undefined ? { id: only } : {}, signal);
    for (const exit of this.#register.learn(listing)) this.#tell(exit, 'container');
    for (const [id, { hasExited }] of asked) {
      if (hasExited && !this.#tellEnd(id)) this.#options.metrics.runtimeExit('unknown');
    }
  }

  async #relist(version: RuntimeVersion, signal: AbortSignal): Promise<never> {
    for (const delayMs of RELIST_AFTER_MS) {
      await sleep(this.#options.clock, delayMs, signal);
      await this.#compare(signal);
      this.#joined(version);
    }
    for (;;) {
      await sleep(this.#options.clock, RELIST_PERIOD_MS, signal);
      await this.#compare(signal);
    }
  }

  /** Finds what ended unseen. */
  async #compare(signal: AbortSignal): Promise<void> {
    const mark = this.#register.mark();
    const { exits, missing } = this.#register.relisted(await this.#list({}, signal), mark);
    const kind = this.#hasListed ? 'missed' : 'earlier';
    this.#hasListed = true;
    for (const exit of exits) this.#tellUnseen(exit, kind);
    for (const exit of missing) {
      const isLeft = await this.#options.processes.hasProcess(exit.containerId).catch(() => true);
      if (!isLeft && this.#register.exited(exit.containerId).type === 'container') this.#tellUnseen(exit, 'missed');
    }
  }

  #tellUnseen(exit: ContainerExit, kind: 'earlier' | 'missed'): void {
    this.#options.onEnd(exit.containerId);
    this.#tell({ ...exit, isLate: true }, kind);
  }

  async #list(filter: RuntimeFilter, signal: AbortSignal) {
    const { client } = this.#options;
    const lists = (limit: AbortSignal) =>
      Promise.all([client.containers(filter, limit), client.sandboxes(filter, limit)]);
    const [containers, sandboxes] = await this.#call('listing containers', lists, signal);
    return { containers, sandboxes };
  }

  async #call<T>(what: string, call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    using limit = deadline(this.#options.clock, what, CALL_TIMEOUT_MS, signal);
    return await call(limit.signal);
  }

  #joined(version: RuntimeVersion): void {
    if (this.#state === 'following') return;
    this.#state = 'following';
    this.#options.metrics.runtimeFollowed(true);
    this.#options.log.info('container exits come from the runtime', { ...version });
  }

  /** Told when it changes only: a node without a socket stays without one. */
  #parted(error: unknown): void {
    const { log, metrics } = this.#options;
    metrics.runtimeFailed();
    const before = this.#state;
    this.#state = 'apart';
    if (before === 'following') {
      metrics.runtimeGap();
      metrics.runtimeFollowed(false);
    }
    const tell = before === 'apart' ? log.debug : log.warn;
    tell.call(log, 'container exits come from the Pod watch, later: the runtime tells none, will try again', {
      error,
      remedy: remedyFor(error),
    });
  }
}
