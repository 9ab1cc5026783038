import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { AgentIdentity, CoordinatorChannel, ReportHandler } from '../../common/report-transport.ts';
import type {
  CoordinatorEnded,
  DrainUpdate,
  Leadership,
  ReportResponse,
  Welcome,
} from '../../proto/gen/clbdirect/v1/report.ts';
import { openSession, type SessionEffect, type SessionState, sessionStep } from './agent-session.ts';
import { Outbox } from './outbox.ts';
import { type ProbeOutcome, Probes, type ProbeTarget } from './probe.ts';
import type { ReportEvent } from './report-event.ts';
import { SessionRefusedError } from './session-refusal.ts';

/** How often an agent says something, at least. */
const HEARTBEAT_INTERVAL_MS = 3_000;
/** A stream on which nothing was heard for this long is lost: three heartbeats. */
export const SILENCE_MS = 9_000;
/** Two agents on one node are the normal upgrade (maxSurge); a third one has no reason to be there. */
const AGENTS_PER_NODE_MAX = 2;

const ASK_FOR_ALL: ReportResponse = {
  message: { $case: 'resyncRequest', value: { reason: 'the other agent of the node has left' } },
};

export interface ReportServerOptions {
  /** Name of this replica, for the agents' logs. */
  readonly coordinator: string;
  /** Random per process; also part of the lease's holder identity. */
  readonly incarnation: string;
  readonly podUid: string;
  /** It never leads, so that agents hold no hook for it; not unless told. */
  readonly observes?: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called in the order in which agents spoke; must not throw. */
  readonly onEvent: (event: ReportEvent) => void;
  /** The agent of `node` saw the container exit in which another replica ran; must not throw. */
  readonly onCoordinatorEnded: (node: string, ended: CoordinatorEnded) => void;
}

/** A live report stream, for the status page. */
export interface SessionSummary {
  readonly session: string;
  readonly node: string;
  readonly agentPodName: string;
  readonly agentPodUid: string;
  readonly agentVersion: string;
  /** Pods reported on this stream; undefined until its first snapshot. */
  readonly podCount: number | undefined;
  /** By the injected clock's `now()`. */
  readonly openedAtMs: number;
  readonly lastHeardAtMs: number;
}

interface LiveSession {
  state: SessionState;
  agentVersion: string;
  lastHeardAtMs: number;
  refusal: SessionRefusedError | undefined;
  readonly openedAtMs: number;
  readonly channel: CoordinatorChannel;
  readonly outbox: Outbox;
  readonly probes: Probes;
}

/** All report streams of this replica, whatever carries them. */
export class ReportServer {
  readonly #options: ReportServerOptions;
  /** By node; no node has an empty list. */
  readonly #sessions = new Map<string, readonly LiveSession[]>();
  #leadership: Leadership = { leading: false, term: 0 };
  #sessionCount = 0;

  constructor(options: ReportServerOptions) {
    this.#options = options;
  }

  /**
   * Serves one authenticated stream until it ends.
   * @throws SessionRefusedError when the coordinator ended it, ReportChannelError when it broke.
   */
  readonly handle: ReportHandler = async (identity, channel, signal) => {
    const live = this.#admit(identity, channel);
    const onAbort = () => end(live, new SessionRefusedError('stopping', 'the coordinator is shutting down'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    using _silence = this.#watchSilence(live);
    try {
      await this.#serve(live);
    } catch (error) {
      live.refusal ??= error instanceof SessionRefusedError ? error : undefined;
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#forget(live);
    }
  };

  /** Tells every agent who leads, and every later one in its Welcome. */
  broadcastLeadership(leadership: Leadership): void {
    this.#leadership = leadership;
    for (const live of this.#greeted()) live.outbox.push({ message: { $case: 'leadership', value: leadership } });
  }

  /** Tells every agent of the node. Returns how many streams that were; with none the agent's hook fails open by itself. */
  sendDrainUpdate(node: string, update: DrainUpdate): number {
    const streams = (this.#sessions.get(node) ?? []).filter(isGreeted);
    for (const live of streams) live.outbox.push({ message: { $case: 'drainUpdate', value: update } });
    return streams.length;
  }

  /**
   * Has an agent of the node try a TCP port. Rejects with the signal's reason when it aborts; every other end is an
   * outcome, within the target's time and a second.
   */
  async probe(node: string, target: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> {
    signal.throwIfAborted();
    // The one that opened last is the one that stays.
    const live = (this.#sessions.get(node) ?? []).findLast(isGreeted);
    return live ? live.probes.probe(target, signal) : 'unanswered';
  }

  sessions(): readonly SessionSummary[] {
    return this.#greeted().map(summary);
  }

  #admit(identity: AgentIdentity, channel: CoordinatorChannel): LiveSession {
    const ofNode = this.#sessions.get(identity.nodeName) ?? [];
    const others = ofNode.map(live => live.state.identity).filter(({ podUid }) => podUid !== identity.podUid);
    const names = new Set(others.map(({ podName }) => podName));
    if (names.size >= AGENTS_PER_NODE_MAX) {
      const listed = [...names].join(' and ');
      const message = `node ${identity.nodeName} already has ${names.size} agents (Pods ${listed}); remove one of them`;
      throw new SessionRefusedError('limit', message);
    }
    this.#supersede(ofNode.filter(live => isOfPod(live, identity) && !isGreeted(live)));
    return this.#register(identity, channel);
  }

  /** Of one Pod's streams the newest that said Hello counts: whoever only tries whether one opens takes nothing away. */
  #supersede(older: readonly LiveSession[]): void {
    for (const live of older) {
      const { podName } = live.state.identity;
      end(live, new SessionRefusedError('superseded', `Pod ${podName} opened a newer stream`));
      this.#forget(live);
    }
  }

  #register(identity: AgentIdentity, channel: CoordinatorChannel): LiveSession {
    this.#sessionCount += 1;
    const { clock } = this.#options;
    const now = clock.now();
    const outbox = new Outbox(channel);
    const live: LiveSession = {
      state: openSession(`${identity.podUid}/${this.#sessionCount}`, identity),
      channel,
      agentVersion: '',
      openedAtMs: now,
      lastHeardAtMs: now,
      refusal: undefined,
      outbox,
      probes: new Probes(clock, value => outbox.push({ message: { $case: 'probeRequest', value } })),
    };
    this.#sessions.set(identity.nodeName, [...(this.#sessions.get(identity.nodeName) ?? []), live]);
    return live;
  }

  async #serve(live: LiveSession): Promise<void> {
    for await (const request of live.channel.received()) {
      if (live.refusal) break;
      live.lastHeardAtMs = this.#options.clock.now();
      const step = sessionStep(live.state, request, this.#welcome());
      live.state = step.state;
      for (const effect of step.effects) this.#perform(live, effect);
    }
    if (live.refusal) throw live.refusal;
  }

  #perform(live: LiveSession, effect: SessionEffect): void {
    switch (effect.type) {
      case 'reply':
        live.outbox.push(effect.message);
        return;
      case 'event':
        if (effect.event.type === 'opened') this.#opened(live, effect.event.agentVersion);
        this.#options.onEvent(effect.event);
        return;
      case 'coordinatorEnded':
        this.#options.onCoordinatorEnded(live.state.identity.nodeName, effect.ended);
        return;
      case 'probed':
        live.probes.answered(effect.result);
        return;
      case 'refuse':
        throw new SessionRefusedError(effect.kind, effect.message);
    }
  }

  #opened(live: LiveSession, agentVersion: string): void {
    live.agentVersion = agentVersion;
    const { identity } = live.state;
    const { nodeName: node, podName: agentPod } = identity;
    const ofNode = this.#sessions.get(node) ?? [];
    this.#supersede(ofNode.filter(other => other !== live && isOfPod(other, identity) && isGreeted(other)));
    this.#options.logger.info('agent session opened', { node, agentPod, session: live.state.session, agentVersion });
  }

  /** Idempotent: a superseded stream is forgotten before its handler has ended. */
  #forget(live: LiveSession): void {
    const { identity, session } = live.state;
    const { nodeName: node, podName: agentPod } = identity;
    const ofNode = this.#sessions.get(node) ?? [];
    if (!ofNode.includes(live)) return;
    const others = ofNode.filter(other => other !== live);
    if (others.length > 0) this.#sessions.set(node, others);
    else this.#sessions.delete(node);
    live.channel.close();
    live.probes.end();
    const reason = live.refusal?.message ?? 'the agent ended the stream, or it broke';
    this.#options.logger.info('agent session closed', { node, agentPod, session, reason });
    if (!isGreeted(live)) return;
    this.#options.onEvent({ type: 'closed', node, session, reason });
    // What the other one had told no longer has a voice of its own: who is left tells everything.
    for (const other of others) if (isGreeted(other) && !isOfPod(other, identity)) other.outbox.push(ASK_FOR_ALL);
  }

  #watchSilence(live: LiveSession): Disposable {
    const { clock } = this.#options;
    const check = () => {
      const leftMs = live.lastHeardAtMs + SILENCE_MS - clock.now();
      if (leftMs > 0) timer = clock.schedule(leftMs, check);
      else end(live, new SessionRefusedError('silent', `nothing was heard from the agent for ${SILENCE_MS} ms`));
    };
    let timer = clock.schedule(SILENCE_MS, check);
    return { [Symbol.dispose]: () => timer.cancel() };
  }

  #greeted(): LiveSession[] {
    return [...this.#sessions.values()].flat().filter(isGreeted);
  }

  #welcome(): Welcome {
    const { coordinator, incarnation, podUid, observes = false } = this.#options;
    const heartbeatIntervalMs = HEARTBEAT_INTERVAL_MS;
    return { coordinator, incarnation, podUid, leadership: this.#leadership, heartbeatIntervalMs, observes };
  }
}

function isOfPod({ state }: LiveSession, { podUid }: AgentIdentity): boolean {
  return state.identity.podUid === podUid;
}

/** Before its Hello a stream hears nothing and counts for nothing but the limit. */
function isGreeted(live: LiveSession): boolean {
  return live.state.stage.type !== 'expectingHello';
}

function end(live: LiveSession, refusal: SessionRefusedError): void {
  live.refusal ??= refusal;
  live.channel.close();
}

function summary(live: LiveSession): SessionSummary {
  const { session, identity, stage } = live.state;
  const { agentVersion, openedAtMs, lastHeardAtMs } = live;
  const { nodeName: node, podName: agentPodName, podUid: agentPodUid } = identity;
  const podCount = stage.type === 'following' ? stage.known.size : undefined;
  return { session, node, agentPodName, agentPodUid, agentVersion, podCount, openedAtMs, lastHeardAtMs };
}
