import type { Random } from '../../common/random.ts';
import { ClbError } from './clb-error.ts';
import type { HealthStatus } from './health.ts';
import type { Parse } from './parameters.ts';
import type { ClbSettings } from './settings.ts';
import type { Spoils } from './spoils.ts';
import { type Change, type ClbState, type LoadBalancer, loadBalancerOf, type Place, type StateView } from './state.ts';
import type { TaskTable } from './task-table.ts';

/** What an action will do, decided the moment the call arrives. Nothing has changed yet. */
export type Plan = ReadPlan | WritePlan;

export interface ReadPlan {
  readonly kind: 'read';
  /** Looked at after half the latency. */
  answer(): Record<string, unknown>;
}

export interface WritePlan {
  readonly kind: 'write';
  /** Locked until the last step, and for the busy tail after it. */
  readonly locks: readonly LoadBalancer[];
  /** How many things are written; decides the busy tail. */
  readonly size: number;
  /** In order of time; the last one ends the write. */
  readonly steps: readonly Step[];
  /** `accepted`: a task goes on after the answer. */
  readonly answersWhen: 'accepted' | 'done';
  readonly answer: Record<string, unknown>;
  /** What DescribeTaskStatus names once the task is done. */
  readonly createdLoadBalancerIds?: readonly string[];
}

export interface Step {
  readonly afterMs: number;
  /** @throws ClbError when the task fails half-way. */
  apply(): readonly Change[];
}

export interface ActionContext {
  readonly state: ClbState;
  /** What reads look at: the state, as it is or by a fault as it was. */
  readonly view: StateView;
  readonly spoils: Spoils;
  /** Set for what is written behind the back of the API. */
  readonly ignoresLocks: boolean;
  readonly settings: ClbSettings;
  readonly tasks: TaskTable;
  readonly random: Random;
  readonly requestId: string;
  /** The clock, for busy tails. */
  readonly now: number;
  /** Wall time, for timestamps. */
  readonly wallNow: number;
  health(place: Place, key: string): HealthStatus;
}

/** @throws ClbError when the call is refused. */
export type Action = (context: ActionContext, parameters: unknown) => Plan;

export function action<P>(parse: Parse<P>, plan: (context: ActionContext, parameters: P) => Plan): Action {
  return (context, parameters) => plan(context, parse(parameters, ''));
}

/**
 * Which error tells that a load balancer is at work: `published` for the actions whose list of errors has
 * `ResourceInOperating`; the others answer the older, plain form.
 */
export type BusyForm = 'published' | 'plain';

/** The load balancer, if it exists, runs and takes a write now. */
export function writableLoadBalancer(context: ActionContext, id: string, busyForm: BusyForm): LoadBalancer {
  const loadBalancer = loadBalancerOf(context.state, id);
  if (loadBalancer.status !== 'running') {
    throw new ClbError('FailedOperation.InvalidLBStatus', `The status of load balancer ${id} does not allow this.`);
  }
  if (context.ignoresLocks) return loadBalancer;
  if (loadBalancer.operating || context.now < loadBalancer.busyUntil) throw busyError(id, busyForm);
  return loadBalancer;
}

function busyError(id: string, form: BusyForm): ClbError {
  if (form === 'plain') {
    return new ClbError(
      'FailedOperation',
      'Task Check Failed : Same wsName is Working(AddQLBL4ListenerDevice), pls Try Later',
    );
  }
  const message = `Loadbalancer(${id}) is not in normal desState, maybe some tasks are being processed, please try later.`;
  return new ClbError('FailedOperation.ResourceInOperating', message);
}
