import type { Clock, Timer } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import { type AgentChannel, ReportChannelError } from '../../common/report-transport.ts';
import type {
  Ack,
  CoordinatorEnded,
  DrainRequest,
  DrainUpdate,
  Leadership,
  NodeNotice,
  ProbeRequest,
  ProbeResult,
  ReportRequest,
  ReportResponse,
  ResyncRequest,
  Welcome,
} from '../../proto/gen/clbdirect/v1/report.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { PodChange } from '../pods/pod-table.ts';
import {
  emptyOutbox,
  takeMessage,
  withChange,
  withDrain,
  withEnded,
  withNotice,
  withProbeResult,
  withSnapshot,
} from './outbox.ts';
import { ReportLag } from './report-lag.ts';
import type { StreamState } from './stream-status.ts';

/** What a session asks the rest of the agent. */
export interface ReportContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  readonly nodeName: string;
  /** This agent's incarnation. */
  readonly epoch: string;
  readonly agentVersion: string;
  /** By the node's clock, milliseconds since the Unix epoch: of two agents the younger one's word counts. */
  readonly startedAtMs: number;
  /** Everything known now; undefined before the first complete list. */
  readonly records: () => readonly PodRecord[] | undefined;
  /** Whether the agent does not learn what becomes of its Pods. */
  readonly isBlind: () => boolean;
  /** What each drain under way wants now: a coordinator that just came or just became leader has to hear it. */
  readonly activeDrains: () => readonly DrainRequest[];
  readonly onDrainUpdate: (update: DrainUpdate) => void;
  /** What announces the node's end now. */
  readonly notice: () => NodeNotice | undefined;
  /** Answers a coordinator's probe; never rejects. */
  readonly probe: (request: ProbeRequest) => Promise<ProbeResult>;
  /** Coordinators that are proven to have ended. */
  readonly ended: () => readonly CoordinatorEnded[];
  /** The session was welcomed. */
  readonly onWelcome: (welcome: Welcome) => void;
}

const DEFAULT_HEARTBEAT_INTERVAL_MS = 3_000;
/** A server that said nothing for so long is gone; it acknowledges every heartbeat, so three went unanswered. */
export const SILENCE_LIMIT_MS = 9_000;
/** Whatever a Welcome asks for: no stream of heartbeats, and no fewer than two within the limit of silence. */
const HEARTBEAT_INTERVAL_MS = { minimum: 500, maximum: SILENCE_LIMIT_MS / 2 };

/** One open report stream, from Hello to its end. */
export class ReportSession {
  readonly #context: ReportContext;
  readonly #channel: AgentChannel;
  readonly #lag = new ReportLag();
  #outbox = emptyOutbox();
  #isWritable = true;
  #welcomedAt: number | undefined;
  #isLeading = false;
  #observes = false;
  #isClosed = false;
  #heartbeatIntervalMs = DEFAULT_HEARTBEAT_INTERVAL_MS;
  #lastReceivedAt: number;
  #silentForMs = 0;
  readonly #timers = new Map<'heartbeat' | 'silence', Timer>();

  constructor(context: ReportContext, channel: AgentChannel) {
    this.#context = context;
    this.#channel = channel;
    this.#lastReceivedAt = context.clock.now();
  }

  get isWelcomed(): boolean {
    return this.#welcomedAt !== undefined && !this.#isClosed;
  }

  /** Whether the coordinator said that it only observes. */
  get observes(): boolean {
    return this.#observes;
  }

  get state(): StreamState {
    if (!this.isWelcomed) return 'connecting';
    return this.#isLeading ? 'leading' : 'connected';
  }

  /** Since its Welcome; undefined before. */
  get welcomedForMs(): number | undefined {
    return this.#welcomedAt === undefined ? undefined : this.#context.clock.now() - this.#welcomedAt;
  }

  /**
   * Resolves when the stream ends or `signal` aborts.
   * @throws ReportChannelError when it broke or the coordinator fell silent.
   */
  async run(signal: AbortSignal): Promise<void> {
    const close = () => this.#channel.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      this.#sayHello();
      this.#watchSilence();
      if (signal.aborted) close();
      for await (const response of this.#channel.received()) this.#receive(response);
      if (this.#silentForMs > 0) throw silenceError(this.#silentForMs);
    } finally {
      signal.removeEventListener('abort', close);
      this.#isClosed = true;
      for (const timer of this.#timers.values()) timer.cancel();
      close();
    }
  }

  /** Call whenever `records` changed. */
  podsChanged(change: PodChange): void {
    this.#outbox = withChange(this.#outbox, change);
    if (change.upserts.length + change.removals.length > 0) this.#lag.changed(this.#context.clock.now());
    this.#flush();
  }

  /** Call when the agent sees its Pods again after `isBlind`. */
  seesAgain(): void {
    if (this.isWelcomed) this.#queueSnapshot();
  }

  requestDrain(request: DrainRequest): void {
    if (!this.isWelcomed) return;
    this.#outbox = withDrain(this.#outbox, request);
    this.#flush();
  }

  /** Call whenever `notice` changed. */
  noticeChanged(): void {
    if (!this.isWelcomed) return;
    const notice = this.#context.notice();
    if (!notice) return;
    this.#outbox = withNotice(this.#outbox, notice);
    this.#flush();
  }

  /** Call whenever `ended` changed. */
  coordinatorEnded(): void {
    if (!this.isWelcomed) return;
    this.#outbox = withEnded(this.#outbox, this.#context.ended());
    this.#flush();
  }

  #sayHello(): void {
    const { nodeName, epoch, agentVersion, startedAtMs } = this.#context;
    this.#send({ message: { $case: 'hello', value: { nodeName, epoch, agentVersion, startedAtMs } } });
  }

  #receive({ message }: ReportResponse): void {
    this.#lastReceivedAt = this.#context.clock.now();
    switch (message?.$case) {
      case 'welcome':
        this.#welcome(message.value);
        break;
      case 'resyncRequest':
        this.#resync(message.value);
        break;
      case 'drainUpdate':
        this.#context.onDrainUpdate(message.value);
        break;
      case 'leadership':
        this.#follow(message.value);
        break;
      case 'probeRequest':
        void this.#probe(message.value);
        break;
      case 'ack':
        this.#acknowledged(message.value);
        break;
      case undefined:
        break;
    }
  }

  #welcome(welcome: Welcome): void {
    const { coordinator, incarnation, leadership, heartbeatIntervalMs, observes } = welcome;
    this.#welcomedAt = this.#context.clock.now();
    if (heartbeatIntervalMs > 0) this.#heartbeatIntervalMs = withinLimits(heartbeatIntervalMs);
    this.#isLeading = leadership?.leading ?? false;
    this.#observes = observes;
    const { log, onWelcome } = this.#context;
    log.info('coordinator welcomed this agent', { coordinator, incarnation, leading: this.#isLeading, observes });
    this.#scheduleHeartbeat();
    this.coordinatorEnded();
    this.noticeChanged();
    this.#queueSnapshot();
    this.#repeatDrains();
    onWelcome(welcome);
  }

  async #probe(request: ProbeRequest): Promise<void> {
    this.#outbox = withProbeResult(this.#outbox, await this.#context.probe(request));
    this.#flush();
  }

  #acknowledged({ sequence }: Ack): void {
    const { clock, metrics } = this.#context;
    for (const lagMs of this.#lag.acknowledged(sequence, clock.now())) metrics.podMessageAcknowledged(lagMs);
  }

  #follow({ leading, term }: Leadership): void {
    const becameLeader = leading && !this.#isLeading;
    this.#isLeading = leading;
    this.#context.log.info('coordinator changed its role', { leading, term });
    if (becameLeader) this.#repeatDrains();
  }

  #resync({ reason }: ResyncRequest): void {
    this.#context.log.warn('coordinator asks for a snapshot', { reason });
    this.#context.metrics.resyncRequested();
    this.#queueSnapshot();
  }

  #repeatDrains(): void {
    for (const request of this.#context.activeDrains()) this.requestDrain(request);
  }

  #queueSnapshot(): void {
    this.#outbox = withSnapshot(this.#outbox);
    this.#flush();
  }

  #flush(): void {
    while (this.#isWritable && !this.#isClosed) {
      const taken = takeMessage(this.#outbox, this.#context.records(), this.#context.isBlind());
      if (!taken) return;
      this.#outbox = taken.outbox;
      const type = taken.message.message?.$case;
      if (type === 'snapshot' || type === 'delta') {
        this.#context.metrics.podMessageSent(type, taken.message);
        this.#lag.sent(this.#outbox.sequence);
      }
      this.#send(taken.message);
    }
  }

  #send(message: ReportRequest): void {
    if (this.#channel.send(message) || !this.#isWritable) return;
    this.#isWritable = false;
    void this.#channel.writable().then(() => {
      this.#isWritable = true;
      this.#flush();
    });
  }

  #scheduleHeartbeat(): void {
    this.#timers.get('heartbeat')?.cancel();
    const beat = () => {
      if (this.#isWritable) this.#send({ message: { $case: 'heartbeat', value: { blind: this.#context.isBlind() } } });
      this.#scheduleHeartbeat();
    };
    this.#timers.set('heartbeat', this.#context.clock.schedule(this.#heartbeatIntervalMs, beat));
  }

  #watchSilence(): void {
    const { clock } = this.#context;
    const silentMs = clock.now() - this.#lastReceivedAt;
    if (silentMs >= SILENCE_LIMIT_MS) {
      this.#silentForMs = silentMs;
      this.#channel.close();
      return;
    }
    const look = () => this.#watchSilence();
    this.#timers.set('silence', clock.schedule(SILENCE_LIMIT_MS - silentMs, look));
  }
}

function withinLimits(heartbeatIntervalMs: number): number {
  const { minimum, maximum } = HEARTBEAT_INTERVAL_MS;
  return Math.min(maximum, Math.max(minimum, heartbeatIntervalMs));
}

function silenceError(silentMs: number): ReportChannelError {
  return new ReportChannelError('broken', `the coordinator said nothing for ${Math.round(silentMs)} ms`);
}
