import { type Clock, sleep } from '../../common/clock.ts';
import type { Random } from '../../common/random.ts';
import { type Call, hit } from './call.ts';
import { ClbError } from './clb-error.ts';
import type { WritePlan } from './plan.ts';
import type { LatencyModel } from './settings.ts';
import type { Change } from './state.ts';
import type { Task, TaskTable } from './task-table.ts';

const BUSY_TAIL_FULL_SIZE = 500;

export interface WriteRunnerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tasks: TaskTable;
  readonly latency: () => LatencyModel;
  readonly stopped: AbortSignal;
  /** Called the moment that reads begin to show the changes. */
  readonly show: (call: Call, changes: readonly Change[]) => void;
}

/** Carries writes out step by step, and keeps other writes off their load balancers meanwhile. */
export class WriteRunner {
  readonly #options: WriteRunnerOptions;

  constructor(options: WriteRunnerOptions) {
    this.#options = options;
  }

  /** Resolves when the API answers; a task goes on after that. @throws ClbError FailedOperation. */
  async run(call: Call, plan: WritePlan): Promise<Record<string, unknown>> {
    const task = this.#options.tasks.begin(call.requestId);
    for (const loadBalancer of plan.locks) loadBalancer.operating = true;
    const done = this.#runSteps(call, plan, task);
    if (plan.answersWhen === 'accepted') {
      done.catch(error => this.#endedEarly(error));
      await this.#sleep(this.#options.latency().acceptMs);
      return plan.answer;
    }
    await done;
    if (task.status === 1) throw new ClbError('FailedOperation', task.message);
    return plan.answer;
  }

  /** A task that goes on after the answer may end with the server; anything else is our own mistake. */
  #endedEarly(error: unknown): void {
    if (!this.#options.stopped.aborted) throw error;
  }

  async #runSteps(call: Call, plan: WritePlan, task: Task): Promise<void> {
    const { clock, show } = this.#options;
    const isFailing = hit(call, 'fail-task') !== undefined;
    const isIdle = isFailing || hit(call, 'do-nothing') !== undefined;
    const startedAt = clock.now();
    try {
      for (const step of plan.steps) {
        const waitMs = startedAt + step.afterMs - clock.now();
        if (waitMs > 0) await this.#sleep(waitMs);
        if (!isIdle) show(call, step.apply());
      }
      if (isFailing) throw new ClbError('FailedOperation', 'The task failed by a fault of the sandbox.');
      task.loadBalancerIds = plan.createdLoadBalancerIds ?? [];
      task.status = 0;
    } catch (error) {
      if (!(error instanceof ClbError)) throw error;
      task.status = 1;
      task.message = error.message;
    } finally {
      this.#unlock(plan);
    }
  }

  #unlock(plan: WritePlan): void {
    const { clock, random, latency } = this.#options;
    const share = Math.min(1, plan.size / BUSY_TAIL_FULL_SIZE);
    const tailMs = random.next() * latency().busyTailMaxMs * share;
    for (const loadBalancer of plan.locks) {
      loadBalancer.operating = false;
      loadBalancer.busyUntil = clock.now() + tailMs;
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return sleep(this.#options.clock, delayMs, this.#options.stopped);
  }
}
