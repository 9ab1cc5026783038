import { Backoff } from '../../common/backoff.ts';
import { sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Random } from '../../common/random.ts';
import { ReportChannelError, type ReportConnector } from '../../common/report-transport.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { DrainRequest, Welcome } from '../../proto/gen/clbdirect/v1/report.ts';
import type { PodChange } from '../pods/pod-table.ts';
import { chooseAddresses } from './choose-addresses.ts';
import type { ConnectedCoordinators } from './connected-coordinators.ts';
import { type ReportContext, ReportSession } from './report-session.ts';
import type { StreamStatus } from './stream-status.ts';

export interface ReportStreamsOptions extends ReportContext {
  readonly random: Random;
  readonly connector: ReportConnector;
  /** Who has welcomed this agent and is connected; called when that changes. */
  readonly onCoordinators: (coordinators: Required<ConnectedCoordinators>) => void;
  /** The addresses were looked up once more. */
  readonly onRound: () => void;
}

/** How often the coordinator's name is looked up again while all streams stand; a failure looks at once. */
const RESOLVE_INTERVAL_MS = 10_000;
/** The same while there is none: coordinators that come up are found soon. */
const RESOLVE_AGAIN_MS = 1_000;
const RESOLVE_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A restarted coordinator should be found at once, a missing one not be asked more than every few seconds. */
const BACKOFF = { initialMs: 200, maximumMs: 5_000, resetAfterMs: 30_000 };

/** One report stream to every address of the coordinator, each kept up as long as the name stands for the address. */
export class ReportStreams {
  readonly #options: ReportStreamsOptions;
  readonly #context: ReportContext;
  /** The open ones, by address. */
  readonly #sessions = new Map<string, ReportSession>();
  readonly #maintained = new Map<string, Promise<void>>();
  readonly #resolveNow: Wakeup;
  #resolved: ReadonlySet<string> = new Set();
  #welcomedBy: Required<ConnectedCoordinators> = { connected: 0, observing: 0 };

  constructor(options: ReportStreamsOptions) {
    this.#options = options;
    this.#context = { ...options, onWelcome: welcome => this.#welcomed(welcome) };
    this.#resolveNow = new Wakeup(options.clock);
  }

  podsChanged(change: PodChange): void {
    for (const session of this.#sessions.values()) session.podsChanged(change);
  }

  /** Tells every connected coordinator of all Pods anew. */
  seesAgain(): void {
    for (const session of this.#sessions.values()) session.seesAgain();
  }

  /** Tells every connected coordinator; only the leader answers. */
  requestDrain(request: DrainRequest): void {
    for (const session of this.#sessions.values()) session.requestDrain(request);
  }

  /** How the stream to each address is doing now. */
  status(): StreamStatus[] {
    return [...this.#maintained.keys()].map(address => {
      const session = this.#sessions.get(address);
      return { address, state: session?.state ?? 'waiting', welcomedForMs: session?.welcomedForMs };
    });
  }

  /** Tells every connected coordinator what announces the node's end now. */
  noticeChanged(): void {
    for (const session of this.#sessions.values()) session.noticeChanged();
  }

  /** Tells every connected coordinator which others are proven to have ended. */
  coordinatorEnded(): void {
    for (const session of this.#sessions.values()) session.coordinatorEnded();
  }

  /** Keeps the streams up until `signal` aborts; resolves when all are closed. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#options.onRound();
      await this.#resolve(signal);
      for (const address of this.#resolved) {
        if (!this.#maintained.has(address)) this.#maintained.set(address, this.#maintain(address, signal));
      }
      await this.#resolveNow.wait(signal, this.#resolved.size > 0 ? RESOLVE_INTERVAL_MS : RESOLVE_AGAIN_MS);
    }
    await Promise.all(this.#maintained.values());
  }

  /** On failure the addresses known before stay: a name server's silence says nothing about the coordinators. */
  async #resolve(signal: AbortSignal): Promise<void> {
    const { clock, connector, log, metrics } = this.#options;
    using limit = deadline(clock, "looking up the coordinator's addresses", RESOLVE_TIMEOUT_MS, signal);
    try {
      this.#resolved = chooseAddresses(await connector.resolve(limit.signal), this.#maintained.keys());
    } catch (error) {
      if (signal.aborted) return;
      metrics.streamFailed('resolve');
      log.warn('coordinator name was not resolved, will try again', { error });
    }
  }

  async #maintain(address: string, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ ...BACKOFF, clock: this.#options.clock, random: this.#options.random });
    while (!signal.aborted && this.#resolved.has(address)) {
      await this.#runOne(address, signal);
      this.#resolveNow.wake();
      await sleep(this.#options.clock, backoff.nextDelayMs(), signal).catch(() => undefined);
    }
    this.#maintained.delete(address);
  }

  async #runOne(address: string, signal: AbortSignal): Promise<void> {
    const { log, metrics } = this.#options;
    try {
      const session = new ReportSession(this.#context, await this.#connect(address, signal));
      this.#sessions.set(address, session);
      await session.run(signal);
      if (!signal.aborted) log.info('coordinator closed the report stream, will reconnect', { address });
    } catch (error) {
      if (signal.aborted) return;
      const kind = error instanceof ReportChannelError ? error.kind : 'unavailable';
      metrics.streamFailed(kind);
      log.warn('report stream failed, will reconnect', { address, kind, error });
    } finally {
      this.#sessions.delete(address);
      this.#countConnected();
    }
  }

  async #connect(address: string, signal: AbortSignal) {
    using limit = deadline(this.#options.clock, `connecting to coordinator ${address}`, CONNECT_TIMEOUT_MS, signal);
    return await this.#options.connector.connect(address, limit.signal);
  }

  #welcomed(welcome: Welcome): void {
    this.#countConnected();
    this.#options.onWelcome(welcome);
  }

  #countConnected(): void {
    const welcomed = [...this.#sessions.values()].filter(session => session.isWelcomed);
    const observing = welcomed.filter(session => session.observes).length;
    const connected = welcomed.length - observing;
    const before = this.#welcomedBy;
    if (connected === before.connected && observing === before.observing) return;
    this.#welcomedBy = { connected, observing };
    this.#options.metrics.streamsConnected(welcomed.length);
    this.#options.onCoordinators(this.#welcomedBy);
  }
}
