import { ANSWER_MEANINGS, type AnswerReason } from './answer-reason.ts';
import type { Quiet } from './quiet.ts';

/** What a drain goes through: until weight 0 is read back, the data plane settles, connections end, it is deregistered. */
export const DRAIN_STAGES = ['weight-zero', 'settling', 'emptying', 'deregistering'] as const;
export type DrainStageName = (typeof DRAIN_STAGES)[number];

/** How a drain ended. */
export interface DrainOutcome {
  readonly reason: AnswerReason;
  readonly heldMs: number;
  /** How long each stage lasted that was reached, the last one perhaps cut off; none if weight 0 was never read back. */
  readonly stageMs: Readonly<Partial<Record<DrainStageName, number>>>;
  /** Connections seen to end after weight 0. */
  readonly connectionsEnded: number;
  /** Of the last reading; 0 when none succeeded. */
  readonly connectionsLeft: number;
  /** How long after weight 0 was read back the last new connection was seen. */
  readonly lastArrivalMs: number | undefined;
}

export interface DrainTimes {
  readonly calledAt: number;
  /** Undefined when weight 0 was never read back. */
  readonly quiet: Quiet | undefined;
  readonly deregisterAskedAt: number | undefined;
  /** The stages were over; from then on the Pod was held only because it asks for it. */
  readonly releasedAt: number;
  readonly endedAt: number;
}

export function drainOutcome(reason: AnswerReason, times: DrainTimes): DrainOutcome {
  const { calledAt, quiet, endedAt } = times;
  return {
    reason,
    heldMs: Math.round(endedAt - calledAt),
    stageMs: stageDurations(times),
    connectionsEnded: quiet?.ended ?? 0,
    connectionsLeft: quiet?.known?.size ?? 0,
    lastArrivalMs:
      quiet?.lastArrivalAt === undefined ? undefined : Math.round(quiet.lastArrivalAt - quiet.weightZeroAt),
  };
}

/** One line for people, for example `drained after 3.2 s: weight 0 after 0.1 s, 3 connections ended, deregistered`. */
export function describeOutcome(outcome: DrainOutcome): string {
  const { reason, heldMs } = outcome;
  const { isEarly, nextStep } = ANSWER_MEANINGS[reason];
  return `${reason} after ${seconds(heldMs)}: ${happenings(outcome)}${isEarly ? `; ${nextStep}` : ''}`;
}

function happenings({ reason, stageMs, connectionsEnded, connectionsLeft }: DrainOutcome): string {
  const weightZeroMs = stageMs['weight-zero'];
  if (weightZeroMs === undefined) return reason === 'drained' ? 'no load balancer sends to it' : 'no weight 0';
  const words = [`weight 0 after ${seconds(weightZeroMs)}`];
  if (connectionsEnded > 0) words.push(`${connections(connectionsEnded)} ended`);
  if (connectionsLeft > 0) words.push(`${connections(connectionsLeft)} left`);
  if (reason === 'drained' || reason === 'deregistered-with-connections') words.push('deregistered');
  return words.join(', ');
}

function stageDurations({ calledAt, quiet, deregisterAskedAt, releasedAt }: DrainTimes): DrainOutcome['stageMs'] {
  if (!quiet) return {};
  const quietUntil = deregisterAskedAt ?? releasedAt;
  const settledAt = Math.min(quiet.settleUntil, quietUntil);
  return {
    'weight-zero': quiet.weightZeroAt - calledAt,
    settling: settledAt - quiet.weightZeroAt,
    ...(quietUntil > settledAt ? { emptying: quietUntil - settledAt } : {}),
    ...(deregisterAskedAt === undefined ? {} : { deregistering: releasedAt - deregisterAskedAt }),
  };
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}

function connections(count: number): string {
  return count === 1 ? '1 connection' : `${count} connections`;
}
