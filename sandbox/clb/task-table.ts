import { ClbError } from './clb-error.ts';

/** As `DescribeTaskStatus` tells it: 0 success, 1 failure, 2 in progress. */
export interface Task {
  status: 0 | 1 | 2;
  message: string;
  loadBalancerIds: readonly string[];
}

/** How long the real API keeps a record is not published; here the oldest go when this many are kept. */
const TASKS_MAX = 10_000;

export class TaskTable {
  readonly #tasks = new Map<string, Task>();

  begin(requestId: string): Task {
    const task: Task = { status: 2, message: '', loadBalancerIds: [] };
    this.alias(requestId, task);
    return task;
  }

  /** Makes the task known under one more name: a deal's, or a repeated request's. */
  alias(name: string, task: Task): void {
    this.#tasks.set(name, task);
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size > TASKS_MAX && oldest !== undefined) this.#tasks.delete(oldest);
  }

  /** @throws ClbError InvalidParameter for a task that was never seen. */
  find(name: string): Task {
    const task = this.#tasks.get(name);
    if (!task) throw new ClbError('InvalidParameter', `Task ${name} not exists.`);
    return task;
  }
}
