import type { WorkQueueObserver } from '../common/work-queue.ts';
import type { TargetWrite } from './core/lane-plan.ts';
import type { EntryStage, ExitStage, StageDuration } from './core/pod-way.ts';
import type { Audit } from './lanes/auditor.ts';
import type { Difference } from './lanes/differences.ts';
import type { OperationWait } from './lanes/lane-options.ts';
import type { DrainReason } from './leader/drain-outcome.ts';

/** A leader's work queues: those that write to the API server, those that ask it, those of load balancers. */
export const QUEUE_NAMES = [
  'gates',
  'services',
  'events',
  'configs',
  'pods',
  'service-lists',
  'instances',
  'owners',
  'secrets',
  'creations',
  'deletions',
] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

/** Told of what happens while a replica leads; for metrics. Must not throw. */
export interface CoordinatorObserver {
  /** A write was sent; `waits` has one entry for each of its targets. */
  wrote(kind: TargetWrite['kind'], waits: readonly OperationWait[]): void;
  /** Reads showed targets other than they were believed to be, and no change of ours explains it. */
  differed(differences: readonly Difference[]): void;
  /** A load balancer was read completely; told also when nothing differed. */
  audited(audit: Audit): void;
  /** `delayMs` from the moment at which we knew that the Pod serves to its gate set True. */
  gateOpened(delayMs: number): void;
  /** A gate was opened though the load balancer does not say that its Pod serves. */
  gateOpenedByTime(): void;
  /** `durationMs` from the Pod's drain request to its last target read back as gone. */
  drainFinished(durationMs: number): void;
  /** An agent told how a drain ended. */
  drainAnswered(reason: DrainReason): void;
  /** A Pod's gate is open; the stages that it went through, all of them when a load balancer serves it. */
  podEntered(stages: readonly StageDuration<EntryStage>[]): void;
  /** The hook of a deleted Pod was answered; the stages up to the first that it did not wait for. */
  podLeft(stages: readonly StageDuration<ExitStage>[]): void;
  /** Of a queue that is being made; a next term makes another one of the same name. */
  queue(name: QueueName): WorkQueueObserver;
}

export const noObserver: CoordinatorObserver = {
  wrote() {},
  differed() {},
  audited() {},
  gateOpened() {},
  gateOpenedByTime() {},
  drainFinished() {},
  drainAnswered() {},
  podEntered() {},
  podLeft() {},
  queue: () => ({}),
};
