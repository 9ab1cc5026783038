import type { TargetWrite } from './core/lane-plan.ts';
import type { Audit } from './lanes/auditor.ts';
import type { Difference } from './lanes/differences.ts';
import type { DrainReason } from './leader/drain-outcome.ts';

/** Told of what happens while a replica leads; for metrics. Must not throw. */
export interface CoordinatorObserver {
  /** A write was sent. */
  wrote(kind: TargetWrite['kind'], targetCount: number): void;
  /** Reads showed targets other than they were believed to be, and no change of ours explains it. */
  differed(differences: readonly Difference[]): void;
  /** A load balancer was read completely; told also when nothing differed. */
  audited(audit: Audit): void;
  /** `delayMs` from the moment at which we knew that the Pod serves to its gate set True. */
  gateOpened(delayMs: number): void;
  /** `durationMs` from the Pod's drain request to its last target read back as gone. */
  drainFinished(durationMs: number): void;
  /** An agent told how a drain ended. */
  drainAnswered(reason: DrainReason): void;
}

export const noObserver: CoordinatorObserver = {
  wrote() {},
  differed() {},
  audited() {},
  gateOpened() {},
  drainFinished() {},
  drainAnswered() {},
};
