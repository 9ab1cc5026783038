import type { DrainAnswer, DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import { DrainPhase, DrainState, Protocol } from '../../proto/gen/clbdirect/v1/report.ts';
import type { ConnectedCoordinators } from '../report/connected-coordinators.ts';
import type { AnswerReason } from './answer-reason.ts';
import { budgetMs, minimumHoldMs } from './budget.ts';
import type { DrainLimits } from './drain-limits.ts';
import { type DrainOutcome, drainOutcome } from './drain-outcome.ts';
import type { PodFacts } from './pod-facts.ts';
import {
  beginQuiet,
  isQuiet,
  type Quiet,
  type Reading,
  readingDue,
  remainingAfterSettling,
  startReading,
  withReading,
} from './quiet.ts';

/**
 * One Pod's drain, from the first preStop call to its answer (law L4). A pure state machine: `beginDrain` and
 * `stepDrain` give the next state and the effects to carry out; `nextWakeAt` tells when to step without news.
 */
export interface Drain {
  readonly calledAt: number;
  readonly facts: PodFacts;
  /** Since when no coordinator is connected that may act; undefined while one is. */
  readonly coordinatorAbsentSince: number | undefined;
  /** Coordinators are connected, and all of them only observe. */
  readonly isOnlyObserved: boolean;
  /** The leader has said that it received the request. */
  readonly isAccepted: boolean;
  readonly stage: DrainStage;
}

export type DrainStage =
  /** Weight 0 was asked for. */
  | { readonly type: 'requested' }
  /** Weight 0 was read back; the data plane settles and connections end. */
  | Emptying
  /** Deregistering was asked for, because no connection is left or because new ones would never stop. */
  | Deregistering
  /** The load balancer let the Pod go; the Pod asks to be held longer. */
  | Released
  | { readonly type: 'answered'; readonly outcome: DrainOutcome };

export interface Emptying {
  readonly type: 'emptying';
  readonly quiet: Quiet;
  /** How long after deregistering the data plane may still send datagrams of flows that go on; 0 without UDP. */
  readonly flowSettleMs: number;
  readonly ports: DrainUpdate['targetPorts'];
  readonly virtualAddresses: readonly string[];
}

interface Deregistering {
  readonly type: 'deregistering';
  readonly hasConnections: boolean;
  readonly askedAt: number;
  /** As it was then. */
  readonly quiet: Quiet;
  readonly flowSettleMs: number;
}

interface Released {
  readonly type: 'released';
  readonly reason: AnswerReason;
  /** Undefined when no rule ever held the Pod. */
  readonly quiet: Quiet | undefined;
  readonly deregisterAskedAt: number | undefined;
  readonly releasedAt: number;
  /** UDP flows that go on are with another Pod by then: nobody can see them end, so they are moved. */
  readonly flowsMovedAt: number;
}

export type DrainEvent =
  | { readonly type: 'tick' }
  | { readonly type: 'podChanged'; readonly facts: PodFacts }
  /** The Pod's object is gone. */
  | { readonly type: 'podRemoved' }
  | ({ readonly type: 'coordinators' } & ConnectedCoordinators)
  | { readonly type: 'updated'; readonly update: DrainUpdate }
  /** The answer to a `read` effect. */
  | { readonly type: 'read'; readonly reading: Reading };

export interface DrainRequestEffect {
  readonly type: 'request';
  readonly phase: DrainPhase;
  readonly budgetMs: number;
  /** Only with ANSWERED. */
  readonly answer?: DrainAnswer;
}

export type DrainEffect =
  | DrainRequestEffect
  /** Read the Pod's connections and step with a `read` event; one reading is asked for at a time. */
  | { readonly type: 'read'; readonly withIdleTimes: boolean }
  | { readonly type: 'answer'; readonly outcome: DrainOutcome };

export interface DrainStep {
  readonly drain: Drain;
  readonly effects: readonly DrainEffect[];
}

/** The first call for a Pod. */
export function beginDrain(
  facts: PodFacts,
  coordinators: ConnectedCoordinators,
  now: number,
  limits: DrainLimits,
): DrainStep {
  const drain: Drain = {
    calledAt: now,
    facts,
    coordinatorAbsentSince: coordinators.connected > 0 ? undefined : now,
    isOnlyObserved: isOnlyObserved(coordinators),
    isAccepted: false,
    stage: { type: 'requested' },
  };
  const begin = request(drain, DrainPhase.BEGIN, now, limits);
  const step = advance(drain, now, limits);
  return { drain: step.drain, effects: [begin, ...step.effects] };
}

export function stepDrain(drain: Drain, event: DrainEvent, now: number, limits: DrainLimits): DrainStep {
  if (drain.stage.type === 'answered') return { drain, effects: [] };
  const taken = take(drain, event, now, limits);
  const step = advance(taken.drain, now, limits);
  return { drain: step.drain, effects: [...taken.effects, ...step.effects] };
}

/** When to step with a tick if nothing happens before; undefined once answered. */
export function nextWakeAt(drain: Drain, limits: DrainLimits): number | undefined {
  const { stage } = drain;
  if (stage.type === 'answered') return undefined;
  const heldUntil = heldUntilAt(drain, limits);
  const times = [budgetEndAt(drain, limits)];
  if (stage.type === 'released') times.push(Math.max(heldUntil, stage.flowsMovedAt));
  else if (stage.type === 'emptying') times.push(readingDue(stage.quiet));
  else if (drain.coordinatorAbsentSince !== undefined)
    times.push(Math.max(heldUntil, abandonedAt(drain.coordinatorAbsentSince, drain, limits)));
  if (stage.type === 'requested' && !drain.isAccepted)
    times.push(Math.max(heldUntil, drain.calledAt + limits.leaderAnswerMs));
  return Math.min(...times);
}

/** What a coordinator that has just come must hear; undefined once answered. */
export function currentRequest(drain: Drain, now: number, limits: DrainLimits): DrainRequestEffect | undefined {
  switch (drain.stage.type) {
    case 'requested':
    case 'emptying':
      return request(drain, DrainPhase.BEGIN, now, limits);
    case 'deregistering':
    case 'released':
      return request(drain, DrainPhase.CONNECTIONS_ENDED, now, limits);
    case 'answered':
      return undefined;
  }
}

function budgetEndAt(drain: Drain, limits: DrainLimits): number {
  return drain.calledAt + budgetMs(drain.facts, limits);
}

/** Before that nothing but the containers' exit is an answer. */
function heldUntilAt(drain: Drain, limits: DrainLimits): number {
  return drain.calledAt + minimumHoldMs(drain.facts, limits);
}

/** Takes in what happened, without looking at the time. */
function take(drain: Drain, event: DrainEvent, now: number, limits: DrainLimits): DrainStep {
  switch (event.type) {
    case 'tick':
      return { drain, effects: [] };
    case 'podChanged':
      return takeFacts(drain, event.facts, now, limits);
    case 'podRemoved':
      return takeFacts(
        drain,
        { ...drain.facts, deletionGraceSeconds: drain.facts.deletionGraceSeconds ?? 0 },
        now,
        limits,
      );
    case 'coordinators': {
      const coordinatorAbsentSince = event.connected > 0 ? undefined : (drain.coordinatorAbsentSince ?? now);
      return { drain: { ...drain, coordinatorAbsentSince, isOnlyObserved: isOnlyObserved(event) }, effects: [] };
    }
    case 'updated':
      return takeUpdate(drain, event.update, now, limits);
    case 'read':
      return takeReading(drain, event.reading, now, limits);
  }
}

/** A call proves that a container runs, so only an exit after it counts, not one that the records still show. */
function takeFacts(drain: Drain, facts: PodFacts, now: number, limits: DrainLimits): DrainStep {
  const next: Drain = { ...drain, facts };
  if (facts.haveContainersExited && !drain.facts.haveContainersExited) return answer(next, 'containers-exited', now);
  const isDeletionNews = facts.deletionGraceSeconds !== drain.facts.deletionGraceSeconds;
  const repeated = isDeletionNews ? currentRequest(next, now, limits) : undefined;
  return { drain: next, effects: repeated ? [repeated] : [] };
}

function takeUpdate(drain: Drain, update: DrainUpdate, now: number, limits: DrainLimits): DrainStep {
  const accepted: Drain = { ...drain, isAccepted: true };
  const { stage } = drain;
  if (stage.type === 'released') return { drain: accepted, effects: [] };
  if (update.state === DrainState.DEREGISTERED) {
    const reason = update.paused ? 'paused' : deregisteredReason(stage);
    return { drain: { ...accepted, stage: released(stage, reason, now) }, effects: [] };
  }
  if (update.state !== DrainState.WEIGHT_ZERO) return { drain: accepted, effects: [] };
  if (stage.type === 'deregistering') return { drain: accepted, effects: [] };
  const { targetPorts: ports, virtualAddresses } = update;
  const flowSettleMs = hasUdp(update) ? update.settleMs : 0;
  const quiet = stage.type === 'emptying' ? stage.quiet : beginQuiet(settleMs(update, limits), now);
  const emptying: Emptying = { type: 'emptying', quiet, flowSettleMs, ports, virtualAddresses };
  return { drain: { ...accepted, stage: emptying }, effects: [] };
}

function takeReading(drain: Drain, reading: Reading, now: number, limits: DrainLimits): DrainStep {
  const { stage } = drain;
  if (stage.type !== 'emptying') return { drain, effects: [] };
  const quiet = withReading(stage.quiet, reading, now, limits);
  return { drain: { ...drain, stage: { ...stage, quiet } }, effects: [] };
}

function released(stage: DrainStage, reason: AnswerReason, releasedAt: number): Released {
  const { quiet, flowSettleMs = 0 } = stage.type === 'emptying' || stage.type === 'deregistering' ? stage : {};
  const deregisterAskedAt = stage.type === 'deregistering' ? stage.askedAt : undefined;
  return { type: 'released', reason, quiet, deregisterAskedAt, releasedAt, flowsMovedAt: releasedAt + flowSettleMs };
}

function settleMs(update: DrainUpdate, limits: DrainLimits): number {
  return update.settleMs + (hasUdp(update) ? limits.udpQuietMs : 0);
}

function hasUdp({ targetPorts }: DrainUpdate): boolean {
  return targetPorts.some(({ protocol }) => protocol === Protocol.UDP);
}

/** Does what the time asks for. */
function advance(drain: Drain, now: number, limits: DrainLimits): DrainStep {
  const { stage } = drain;
  if (stage.type === 'answered') return { drain, effects: [] };
  if (now >= budgetEndAt(drain, limits)) return answer(drain, reasonAtBudgetEnd(drain), now);
  switch (stage.type) {
    case 'requested':
      return advanceRequested(drain, now, limits);
    case 'emptying':
      return advanceEmptying(drain, stage, now, limits);
    case 'deregistering':
      return isAbandoned(drain, now, limits) ? answer(drain, undeliveredReason(stage), now) : { drain, effects: [] };
    case 'released':
      return now >= Math.max(heldUntilAt(drain, limits), stage.flowsMovedAt)
        ? answer(drain, stage.reason, now)
        : { drain, effects: [] };
  }
}

function advanceRequested(drain: Drain, now: number, limits: DrainLimits): DrainStep {
  if (isAbandoned(drain, now, limits)) {
    return answer(drain, drain.isOnlyObserved ? 'observing' : 'no-coordinator', now);
  }
  const answerDue = Math.max(heldUntilAt(drain, limits), drain.calledAt + limits.leaderAnswerMs);
  if (!drain.isAccepted && now >= answerDue) return answer(drain, 'no-leader', now);
  return { drain, effects: [] };
}

function advanceEmptying(drain: Drain, stage: Emptying, now: number, limits: DrainLimits): DrainStep {
  const { quiet } = stage;
  const isDeletion = drain.facts.deletionGraceSeconds !== undefined;
  const isHeldLongEnough = now >= heldUntilAt(drain, limits);
  if (isQuiet(quiet, limits)) {
    if (isDeletion) return deregister(drain, stage, { hasConnections: false }, now, limits);
    if (isHeldLongEnough && now >= drain.calledAt + limits.restartAfterMs) return answer(drain, 'restart', now);
  }
  if (quiet.isIdle && isHeldLongEnough) return answer(drain, 'idle-connections', now);
  // Clients that come whatever the weight is would come for ever: with time left to deregister, they are cut off.
  const reserveBegins = budgetEndAt(drain, limits) - limits.deregisterReserveMs;
  if (isDeletion && now >= reserveBegins && now < quiet.settleUntil && quiet.hasLateArrivals) {
    return deregister(drain, stage, { hasConnections: true }, now, limits);
  }
  if (now < readingDue(quiet)) return { drain, effects: [] };
  const reading = startReading(quiet, now, limits);
  const { withIdleTimes } = reading.next;
  return { drain: { ...drain, stage: { ...stage, quiet: reading } }, effects: [{ type: 'read', withIdleTimes }] };
}

function deregister(
  drain: Drain,
  { quiet, flowSettleMs }: Emptying,
  how: { hasConnections: boolean },
  now: number,
  limits: DrainLimits,
): DrainStep {
  const next: Drain = { ...drain, stage: { type: 'deregistering', ...how, askedAt: now, quiet, flowSettleMs } };
  return { drain: next, effects: [request(next, DrainPhase.CONNECTIONS_ENDED, now, limits)] };
}

function isAbandoned(drain: Drain, now: number, limits: DrainLimits): boolean {
  const { coordinatorAbsentSince } = drain;
  if (coordinatorAbsentSince === undefined || now < heldUntilAt(drain, limits)) return false;
  return now >= abandonedAt(coordinatorAbsentSince, drain, limits);
}

/** Who is gone may be back at once; who observes says that nothing will come. */
function abandonedAt(absentSince: number, { isOnlyObserved }: Drain, limits: DrainLimits): number {
  return isOnlyObserved ? absentSince : absentSince + limits.coordinatorAbsentMs;
}

function isOnlyObserved({ connected, observing = 0 }: ConnectedCoordinators): boolean {
  return connected === 0 && observing > 0;
}

function reasonAtBudgetEnd({ stage, facts }: Drain): AnswerReason {
  switch (stage.type) {
    case 'requested':
      return 'no-weight-zero';
    case 'emptying': {
      const remaining = remainingAfterSettling(stage.quiet);
      if (remaining === undefined) return 'not-settled';
      if (remaining !== 0) return reasonOf(remaining);
      return facts.deletionGraceSeconds === undefined ? 'restart' : 'not-deregistered';
    }
    case 'deregistering':
      return undeliveredReason(stage);
    case 'released':
      return stage.reason;
    case 'answered':
      return stage.outcome.reason;
  }
}

function reasonOf(remaining: number | 'unreadable'): AnswerReason {
  return remaining === 'unreadable' ? 'connections-unreadable' : 'connections-left';
}

function undeliveredReason(stage: { hasConnections: boolean }): AnswerReason {
  return stage.hasConnections ? 'connections-left' : 'not-deregistered';
}

function deregisteredReason(stage: DrainStage): AnswerReason {
  return stage.type === 'deregistering' && stage.hasConnections ? 'deregistered-with-connections' : 'drained';
}

function request(drain: Drain, phase: DrainPhase, now: number, limits: DrainLimits): DrainRequestEffect {
  return { type: 'request', phase, budgetMs: Math.max(0, Math.round(budgetEndAt(drain, limits) - now)) };
}

function answer(drain: Drain, reason: AnswerReason, now: number): DrainStep {
  const { stage, calledAt } = drain;
  const times = stage.type === 'released' ? stage : released(stage, reason, now);
  const outcome = drainOutcome(reason, { ...times, calledAt, endedAt: now });
  const effects: DrainEffect[] = [
    { type: 'request', phase: DrainPhase.ANSWERED, budgetMs: 0, answer: drainAnswer(outcome) },
    { type: 'answer', outcome },
  ];
  return { drain: { ...drain, stage: { type: 'answered', outcome } }, effects };
}

function drainAnswer({ reason, connectionsLeft, heldMs, lastArrivalMs }: DrainOutcome): DrainAnswer {
  return { reason, connectionsLeft, heldMs, lastArrivalMs };
}
