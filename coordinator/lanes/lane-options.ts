import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { LoadBalancerChange } from '../cloud/load-balancer-settings.ts';
import type { Cloud, CloudError } from '../cloud/types.ts';
import type { BindingPlace } from '../core/binding-key.ts';
import type { ClusterView } from '../core/cluster-view.ts';
import type { LanePlanLimits, TargetWrite } from '../core/lane-plan.ts';
import type { RulePlace } from '../core/rule.ts';
import type { PlacedRule, RuleState, RuleTarget } from '../core/rule-state.ts';
import type { Priority } from '../core/target-operation.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import type { Difference } from './differences.ts';
import type { WriteFence } from './write-fence.ts';

/** What the coordinator wants of one load balancer; replaced as a whole whenever any of it changed. */
export interface LaneDemand {
  /** Who keeps the objects of rules that did not change saves planning them anew. */
  readonly rules: readonly PlacedRule[];
  /** The same object stands for a view that changes only in what `podsChanged` names. */
  readonly view: ClusterView;
  readonly virtualAddresses: readonly string[];
  /** Changes of listeners, done when no target waits, or when they have waited for long. */
  readonly listenerWork: readonly ListenerWork[];
  /** Changes of the load balancer itself, until a read of it shows them done. */
  readonly settings?: readonly LoadBalancerChange[];
  /** True while a gate waits for this load balancer: health is read more often. */
  readonly gateWaits: boolean;
  /** Somebody waits for proof that nothing of his is left: the list of listeners is read again and again. */
  readonly awaitsAbsence?: boolean;
}

/** Callbacks are called in the middle of the lane's work: they may call `update` and `podsChanged`, and must not throw. */
export interface LaneOptions {
  readonly loadBalancerId: string;
  readonly cluster: string;
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly fence: WriteFence;
  readonly limits: LanePlanLimits;
  readonly timing: LaneTiming;
  readonly log: Logger;
  /** Monotonic time until which CLB may still carry out a write of the leader before this one. */
  readonly predecessorWritesUntil: number;
  /** Monotonic time from which on a list of listeners shows all that the leaders before this one have made. */
  readonly predecessorShownAt: number;
  /** CLB's quota as it is known; what a refusal teaches counts where it is less. No limit unless given. */
  readonly targetsPerRuleMax?: (place: RulePlace) => number;
  /** A change of the load balancer itself was sent: it is to be read again, whatever came of it (law L8). */
  readonly onChanged?: () => void;
  /** The lane knows more than before. */
  readonly onObserved: (change: ObservedChange) => void;
  /** A write is being sent; `waits` has one entry for each of its operations. */
  readonly onWrite: (write: TargetWrite, waits: readonly OperationWait[]) => void;
  /** Something failed in a way that repeating alone does not mend; for an Event on the Service. */
  readonly onFailure: (failure: LaneFailure) => void;
  /** A read after a write showed something else than was believed, and no change of ours explains it. */
  readonly onDifference?: (differences: readonly Difference[]) => void;
  /** Somebody else changed a target of ours, or put one of theirs on a rule of ours (law L6). */
  readonly onForeign?: (differences: readonly Difference[]) => void;
}

/** What reads have changed. */
export interface ObservedChange {
  /** Pods whose targets look different. */
  readonly podUids: ReadonlySet<string>;
  /** Listeners or forwarding rules may be others than before, or this was the first complete read. */
  readonly listeners: boolean;
}

/** One target and the rule that it is on. */
export interface PlacedTarget {
  readonly state: RuleState;
  readonly target: RuleTarget;
}

/** How long one operation has waited for its write. */
export interface OperationWait {
  readonly priority: Priority;
  readonly waitedMs: number;
}

export interface LaneTiming {
  /** The deadline of a write, for the fence. */
  readonly writeTimeoutMs: number;
  /** How long a lane waits for company before it closes or removes targets. */
  readonly gatherMs: number;
  /** The same for additions. */
  readonly gatherAdditionsMs: number;
}

export const DEFAULT_LANE_TIMING: LaneTiming = {
  writeTimeoutMs: 6_000,
  gatherMs: 3,
  gatherAdditionsMs: 30,
};

export interface LaneFailure {
  readonly loadBalancerId: string;
  readonly error: CloudError;
  /** Empty when it concerns the whole load balancer. */
  readonly ruleIds: readonly string[];
  /** The targets that are to blame, as far as that is known. */
  readonly targets: readonly FailedTarget[];
}

export interface FailedTarget {
  readonly ruleId: string;
  readonly podUid: string;
  readonly place: BindingPlace;
}
