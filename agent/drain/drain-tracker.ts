import { abortable } from '../../common/abortable.ts';
import type { Clock, Timer } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Logger } from '../../common/logger.ts';
import { type PodRecord, Protocol } from '../../common/pod-record.ts';
import type { DrainRequest, DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import { PacedReadings } from '../connections/paced-readings.ts';
import type { ConnectionSource } from '../connections/source.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { PodChange } from '../pods/pod-table.ts';
import type { ConnectedCoordinators } from '../report/connected-coordinators.ts';
import { ANSWER_MEANINGS, type AnswerReason } from './answer-reason.ts';
import { liveConnections, PEER_KINDS, type PeerKind, type ProbeSources } from './counted-connections.ts';
import {
  beginDrain,
  currentRequest,
  type Drain,
  type DrainEvent,
  type DrainRequestEffect,
  type DrainStep,
  type Emptying,
  nextWakeAt,
  stepDrain,
} from './drain.ts';
import type { DrainLimits } from './drain-limits.ts';
import { type DrainOutcome, type DrainStageName, describeOutcome, drainOutcome } from './drain-outcome.ts';
import type { HookCallee } from './hook-transport.ts';
import { podFacts } from './pod-facts.ts';
import type { Reading } from './quiet.ts';

export interface DrainTrackerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  readonly connections: ConnectionSource;
  readonly limits: DrainLimits;
  /** Calls held at one moment; what comes above is answered at once. */
  readonly callsMax: number;
  /** All addresses of the node now. */
  readonly nodeAddresses: () => readonly string[];
  readonly findPod: (callee: HookCallee) => PodRecord | undefined;
  /** A drain began of a Pod of which no deletion is known. */
  readonly onUnexplained: (pod: PodRecord) => void;
  /** Tells every connected coordinator. */
  readonly request: (request: DrainRequest) => void;
}

interface Tracked {
  pod: PodRecord;
  drain: Drain;
  /** Its object is gone. */
  isRemoved: boolean;
  timer: Timer | undefined;
  /** What the last reading found, by who is at the other end. */
  open: Readonly<Record<PeerKind, number>>;
  readonly callers: Set<(line: string) => void>;
}

/** The watch may be a moment behind the kubelet, which calls the hook as it hears of the deletion itself. */
const UNKNOWN_POD_WAIT_MS = 1_000;
const READ_TIMEOUT_MS = 1_000;
const NONE_OPEN = { client: 0, probe: 0, node: 0 };
const HUNG_UP = 'the caller hung up';

/** Runs one drain per Pod and answers all calls that are held for it together. */
export class DrainTracker {
  readonly #options: DrainTrackerOptions;
  readonly #readings: PacedReadings;
  readonly #tracked = new Map<string, Tracked>();
  /** Calls for addresses that no known Pod has yet. */
  readonly #seekers = new Set<() => void>();
  #calls = 0;
  #coordinators: ConnectedCoordinators = { connected: 0 };

  constructor(options: DrainTrackerOptions) {
    this.#options = options;
    this.#readings = new PacedReadings(options.clock);
  }

  get callsHeld(): number {
    return this.#calls;
  }

  /**
   * Holds a preStop call until the Pod may die, and tells in one line why it may. `signal` aborts when the caller hangs
   * up; the drain goes on.
   */
  async hold(callee: HookCallee, signal: AbortSignal): Promise<string> {
    const calledAt = this.#options.clock.now();
    if (this.#calls >= this.#options.callsMax) return this.#turnAway('too-many-calls', callee, calledAt);
    this.#countCall(1);
    try {
      const pod = await this.#findPod(callee, signal);
      if (pod) return await this.#join(pod, signal);
      if (signal.aborted) return HUNG_UP;
      return this.#turnAway('unknown-pod', callee, calledAt);
    } finally {
      this.#countCall(-1);
    }
  }

  podsChanged(change: PodChange): void {
    for (const pod of change.upserts) {
      const tracked = this.#tracked.get(pod.uid);
      if (!tracked) continue;
      tracked.pod = pod;
      this.#step(tracked, { type: 'podChanged', facts: podFacts(pod) });
    }
    for (const uid of change.removals) this.#podRemoved(uid);
    for (const look of [...this.#seekers]) look();
  }

  updated(update: DrainUpdate): void {
    const tracked = this.#tracked.get(update.podUid);
    if (tracked) this.#step(tracked, { type: 'updated', update });
  }

  /** How many coordinators are connected now. */
  coordinators(coordinators: ConnectedCoordinators): void {
    this.#coordinators = coordinators;
    for (const tracked of this.#tracked.values()) this.#step(tracked, { type: 'coordinators', ...coordinators });
  }

  /** What a coordinator that has just come must hear. */
  activeRequests(): DrainRequest[] {
    const now = this.#options.clock.now();
    return [...this.#tracked.values()].flatMap(({ pod, drain }) => {
      const request = currentRequest(drain, now, this.#options.limits);
      return request ? [drainRequest(pod, request)] : [];
    });
  }

  #podRemoved(uid: string): void {
    const tracked = this.#tracked.get(uid);
    if (!tracked) return;
    tracked.isRemoved = true;
    if (tracked.drain.stage.type === 'answered') this.#tracked.delete(uid);
    else this.#step(tracked, { type: 'podRemoved' });
  }

  async #findPod(callee: HookCallee, signal: AbortSignal): Promise<PodRecord | undefined> {
    const { findPod, clock } = this.#options;
    const known = findPod(callee);
    if (known) return known;
    using limit = deadline(clock, 'waiting for the Pod that a preStop call names', UNKNOWN_POD_WAIT_MS, signal);
    const found = Promise.withResolvers<PodRecord>();
    const look = () => {
      const pod = findPod(callee);
      if (pod) found.resolve(pod);
    };
    this.#seekers.add(look);
    return await abortable(found.promise, limit.signal)
      .catch(() => undefined)
      .finally(() => this.#seekers.delete(look));
  }

  async #join(pod: PodRecord, signal: AbortSignal): Promise<string> {
    const tracked = this.#tracked.get(pod.uid) ?? this.#begin(pod);
    const { stage } = tracked.drain;
    if (stage.type === 'answered') return `answered before: ${describeOutcome(stage.outcome)}`;
    const answered = Promise.withResolvers<string>();
    tracked.callers.add(answered.resolve);
    return await abortable(answered.promise, signal)
      .catch(() => HUNG_UP)
      .finally(() => tracked.callers.delete(answered.resolve));
  }

  #begin(pod: PodRecord): Tracked {
    const { clock, limits } = this.#options;
    const step = beginDrain(podFacts(pod), this.#coordinators, clock.now(), limits);
    const tracked: Tracked = {
      pod,
      drain: step.drain,
      isRemoved: false,
      timer: undefined,
      open: NONE_OPEN,
      callers: new Set(),
    };
    this.#tracked.set(pod.uid, tracked);
    this.#take(tracked, step);
    if (!pod.deletion) this.#options.onUnexplained(pod);
    return tracked;
  }

  #step(tracked: Tracked, event: DrainEvent): void {
    const { clock, limits } = this.#options;
    if (tracked.drain.stage.type === 'answered') return;
    this.#take(tracked, stepDrain(tracked.drain, event, clock.now(), limits));
  }

  #take(tracked: Tracked, { drain, effects }: DrainStep): void {
    tracked.drain = drain;
    this.#scheduleTick(tracked);
    for (const effect of effects) {
      if (effect.type === 'answer') this.#answer(tracked, effect.outcome);
      else if (effect.type === 'read') void this.#read(tracked, effect.withIdleTimes);
      else this.#options.request(drainRequest(tracked.pod, effect));
    }
  }

  #scheduleTick(tracked: Tracked): void {
    const { clock, limits } = this.#options;
    tracked.timer?.cancel();
    const wakeAt = nextWakeAt(tracked.drain, limits);
    if (wakeAt === undefined) return;
    const tick = () => this.#step(tracked, { type: 'tick' });
    tracked.timer = clock.schedule(Math.max(0, wakeAt - clock.now()), tick);
  }

  /** An answered deletion stays until the Pod is gone, so that a repeated call is answered at once. */
  #answer(tracked: Tracked, outcome: DrainOutcome): void {
    const { pod, drain, callers } = tracked;
    const isFinal = drain.facts.deletionGraceSeconds !== undefined;
    if (tracked.isRemoved || !isFinal) this.#tracked.delete(pod.uid);
    this.#opened(tracked, NONE_OPEN);
    for (const [stage, durationMs] of Object.entries(outcome.stageMs)) {
      this.#options.metrics.drainStageEnded(stage as DrainStageName, durationMs);
    }
    const line = this.#report({ pod: `${pod.namespace}/${pod.name}`, uid: pod.uid }, outcome);
    for (const resolve of callers) resolve(line);
    callers.clear();
  }

  async #read(tracked: Tracked, withIdleTimes: boolean): Promise<void> {
    const reading = await this.#readings.run(() => this.#readClients(tracked, withIdleTimes));
    this.#step(tracked, { type: 'read', reading });
  }

  /** The connections of clients; those of others are only counted. */
  async #readClients(tracked: Tracked, withIdleTimes: boolean): Promise<Reading> {
    const { pod, drain } = tracked;
    const { stage } = drain;
    // The drain may have ended while the reading waited for its turn; then nobody looks at what it says.
    if (stage.type !== 'emptying') return 'unreadable';
    const { clock, connections, metrics, log } = this.#options;
    using limit = deadline(clock, `reading the connections of Pod ${pod.namespace}/${pod.name}`, READ_TIMEOUT_MS);
    try {
      const query = { podUid: pod.uid, addresses: pod.addresses, ports: tcpPorts(stage), withIdleTimes };
      const all = await abortable(connections.read(query, limit.signal), limit.signal);
      const live = liveConnections(all, this.#probeSources(stage));
      this.#opened(tracked, { client: live.client.length, probe: live.probe.length, node: live.node.length });
      return live.client;
    } catch (error) {
      metrics.connectionReadFailed();
      log.debug('connections were not read', { pod: `${pod.namespace}/${pod.name}`, error });
      return 'unreadable';
    }
  }

  #probeSources({ virtualAddresses }: Emptying): ProbeSources {
    return { nodeAddresses: this.#options.nodeAddresses(), virtualAddresses };
  }

  #opened(tracked: Tracked, open: Tracked['open']): void {
    tracked.open = open;
    const all = [...this.#tracked.values()];
    for (const kind of PEER_KINDS) {
      const count = all.reduce((sum, other) => sum + other.open[kind], 0);
      this.#options.metrics.connectionsWhileDraining(kind, count);
    }
  }

  /** Answers a call that no drain holds. */
  #turnAway(reason: AnswerReason, callee: HookCallee, calledAt: number): string {
    const endedAt = this.#options.clock.now();
    const times = { calledAt, quiet: undefined, deregisterAskedAt: undefined, releasedAt: endedAt, endedAt };
    return this.#report({ ...callee }, drainOutcome(reason, times));
  }

  #report(subject: Record<string, unknown>, outcome: DrainOutcome): string {
    const { log, metrics } = this.#options;
    const { reason, heldMs, stageMs, ...counts } = outcome;
    const { isEarly, nextStep } = ANSWER_MEANINGS[reason];
    metrics.hookAnswered(reason, heldMs);
    const fields = { ...subject, reason, heldMs, ...counts };
    if (isEarly) log.warn('preStop answered before the drain was complete', { ...fields, nextStep });
    else log.info('preStop answered', fields);
    return describeOutcome(outcome);
  }

  #countCall(difference: 1 | -1): void {
    this.#calls += difference;
    this.#options.metrics.hooksHeld(this.#calls);
  }
}

function drainRequest({ uid }: PodRecord, { phase, budgetMs, answer }: Omit<DrainRequestEffect, 'type'>): DrainRequest {
  return { podUid: uid, phase, budgetMs, ...(answer && { answer }) };
}

/** UDP has no connections: its quiet time is part of the settling. */
function tcpPorts({ ports }: Emptying): number[] {
  return ports.filter(({ protocol }) => protocol === Protocol.TCP).map(({ port }) => port);
}
