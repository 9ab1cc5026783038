/** Why a preStop call was answered. */
export type AnswerReason =
  /** The load balancer let the Pod go: deregistered and read back, or never bound. */
  | 'drained'
  /** No deletion: the container restarts in place, its target standing at weight 0 without connections. */
  | 'restart'
  /** Every container had exited before the drain ended. */
  | 'containers-exited'
  /**
   * Weight 0 and settled, and every connection left has been idle: nothing is in flight that could be lost. The target stays
   * at weight 0 until the containers exit.
   */
  | 'idle-connections'
  /** Weight 0 and settled, but connections outlive the budget; the application ends them. */
  | 'connections-left'
  /** New connections kept coming after weight 0 and settling, so the target was deregistered with them. */
  | 'deregistered-with-connections'
  /** Weight 0 and settled, but the Pod's connections could not be read. */
  | 'connections-unreadable'
  /** Weight 0 and no connection, but deregistering was not confirmed in time. */
  | 'not-deregistered'
  /** Weight 0, but the budget ended before the data plane had settled. */
  | 'not-settled'
  /** The budget ended before weight 0 was read back. */
  | 'no-weight-zero'
  /** No coordinator was connected. */
  | 'no-coordinator'
  /** Coordinators were connected, but none took the request. */
  | 'no-leader'
  /** Every connected coordinator only observes: nobody takes the Pod off its load balancer, so nothing is waited for. */
  | 'observing'
  /** The user has paused what holds the Pod: its target stays as it is, so nothing is waited for. */
  | 'paused'
  /** The call named an address that belongs to no Pod of this node. */
  | 'unknown-pod'
  /** More calls were held than the agent allows. */
  | 'too-many-calls';

export interface AnswerMeaning {
  /** The Pod was let go before the drain was complete. */
  readonly isEarly: boolean;
  /** What happens next, or what the operator should look at. */
  readonly nextStep: string;
}

const COMPLETE: AnswerMeaning = { isEarly: false, nextStep: 'none' };

export const ANSWER_MEANINGS: Readonly<Record<AnswerReason, AnswerMeaning>> = {
  drained: COMPLETE,
  restart: COMPLETE,
  'containers-exited': COMPLETE,
  'idle-connections': COMPLETE,
  'connections-left': early(
    'the target stays at weight 0 until the containers exit; raise drain-seconds if clients lost',
  ),
  'deregistered-with-connections': early('look for session stickiness that ignores weight 0'),
  'connections-unreadable': early("check the agent's access to the host's /proc; the target stays at weight 0"),
  'not-deregistered': early(
    'the coordinator deregisters the target when the containers exit; look at its cloud errors',
  ),
  'not-settled': early('raise drain-seconds or the grace period: the budget was used up before weight 0 took effect'),
  'no-weight-zero': early("look at the coordinator's lane of this load balancer: weight 0 was not confirmed in time"),
  'no-coordinator': early('check that a coordinator runs and that this node reaches it'),
  'no-leader': early("look at the coordinators' logs: none of them leads"),
  observing: early('the coordinators run with --mode=observe: load balancers are left as they are until one is active'),
  paused: early('its Service or Ingress has the annotation clb-direct.io/paused: its target is left as it is'),
  'unknown-pod': early("check the agent's watch of Pods: it does not know the address that was called"),
  'too-many-calls': early('delete fewer Pods of this node at once'),
};

function early(nextStep: string): AnswerMeaning {
  return { isEarly: true, nextStep };
}
