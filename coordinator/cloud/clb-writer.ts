import assert from 'node:assert/strict';
import type { Clock } from '../../common/clock.ts';
import type { Caller, CallerOptions, Send, Write } from './caller.ts';
import { MalformedReplyError } from './failures.ts';
import { changeRequest, type LoadBalancerChange } from './load-balancer-settings.ts';
import * as replies from './replies.ts';
import type { Reply } from './reply-fields.ts';
import * as requests from './requests.ts';
import { redirectParameters, settingsRequest } from './setting-parameters.ts';
import type { Redirects, SettingsChange } from './settings.ts';
import { pollTask } from './task-poller.ts';
import { TaskTimes } from './task-times.ts';
import type {
  BatchOutcome,
  BindingKey,
  CallPriority,
  CloudResult,
  ForwardingRuleRequest,
  ListenerRequest,
  LoadBalancerRequest,
  NewBinding,
  TagChange,
  WeightChange,
} from './types.ts';

/** A request that starts a task. */
interface TaskRequest<T> {
  readonly action: string;
  readonly parameters: object;
  /** How many things it names: a larger task takes longer. */
  readonly size: number;
  readonly parse: (reply: Reply) => T;
}

/** Sends the request, waits for the end of its task, and resolves with what both said. */
type RunTask = <T>(request: TaskRequest<T>) => Promise<{ readonly made: T; readonly ended: Reply }>;

interface ListenerPlace {
  /** Of the load balancer. */
  readonly id: string;
  readonly listenerId: string;
}

/** Changes in CLB. Each resolves when the last task it started has ended. */
export class ClbWriter {
  readonly #caller: Caller;
  readonly #clock: Clock;
  readonly #observeTask: CallerOptions['observeTask'];
  readonly #taskTimes = new TaskTimes();

  constructor(caller: Caller, { clock, observeTask }: Pick<CallerOptions, 'clock' | 'observeTask'>) {
    this.#caller = caller;
    this.#clock = clock;
    this.#observeTask = observeTask;
  }

  createLoadBalancer(request: LoadBalancerRequest, signal: AbortSignal): Promise<CloudResult<string>> {
    const action = 'CreateLoadBalancer';
    return this.#configure(action, signal, async runTask => {
      const parameters = requests.createLoadBalancerParameters(request);
      const { made, ended } = await runTask({ action, parameters, size: 1, parse: replies.loadBalancerIds });
      const [id] = [...made, ...replies.loadBalancerIds(ended)];
      return id ?? fail('neither the reply nor its task names the load balancer made');
    });
  }

  deleteLoadBalancer(id: string, signal: AbortSignal): Promise<CloudResult<void>> {
    const action = 'DeleteLoadBalancer';
    return this.#configure(action, signal, async runTask => {
      await runTask({ action, parameters: { LoadBalancerIds: [id] }, size: 1, parse: nothing });
    });
  }

  changeLoadBalancer(id: string, change: LoadBalancerChange, signal: AbortSignal): Promise<CloudResult<void>> {
    const { action, parameters, isTask } = changeRequest(id, change);
    if (!isTask) return this.#atOnce(action, signal, send => send(action, parameters, () => undefined));
    return this.#configure(action, signal, async runTask => {
      await runTask({ action, parameters, size: 1, parse: nothing });
    });
  }

  createListeners(id: string, request: ListenerRequest, signal: AbortSignal): Promise<CloudResult<string[]>> {
    const action = 'CreateListener';
    const chunks = requests.chunks(request.ports, requests.CREATE_LISTENERS_MAX).map(ports => ({
      action,
      parameters: requests.createListenerParameters(id, request, ports),
      size: ports.length,
      parse: (reply: Reply) => replies.listenerIds(reply, ports.length),
    }));
    return this.#configure(action, signal, runTask => inTurn(chunks, runTask));
  }

  deleteListeners(id: string, listenerIds: readonly string[], signal: AbortSignal): Promise<CloudResult<void>> {
    const action = 'DeleteLoadBalancerListeners';
    const chunks = requests.chunks(listenerIds, requests.DELETE_LISTENERS_MAX).map(ids => {
      assert(ids.length > 0, 'without a list CLB would delete every listener');
      return { action, parameters: { LoadBalancerId: id, ListenerIds: ids }, size: ids.length, parse: nothing };
    });
    return this.#configure(action, signal, async runTask => {
      await inTurn(chunks, runTask);
    });
  }

  createRules(
    { id, listenerId }: ListenerPlace,
    rules: readonly ForwardingRuleRequest[],
    signal: AbortSignal,
  ): Promise<CloudResult<string[]>> {
    const action = 'CreateRule';
    const chunks = requests.chunks(rules, requests.RULES_MAX).map(part => ({
      action,
      parameters: requests.createRuleParameters(id, listenerId, part),
      size: part.length,
      parse: (reply: Reply) => replies.locationIds(reply, part.length),
    }));
    return this.#configure(action, signal, runTask => inTurn(chunks, runTask));
  }

  deleteRules(
    { id, listenerId }: ListenerPlace,
    locationIds: readonly string[],
    signal: AbortSignal,
  ): Promise<CloudResult<void>> {
    const action = 'DeleteRule';
    const chunks = requests.chunks(locationIds, requests.RULES_MAX).map(ids => ({
      action,
      parameters: { LoadBalancerId: id, ListenerId: listenerId, LocationIds: ids },
      size: ids.length,
      parse: nothing,
    }));
    return this.#configure(action, signal, async runTask => {
      await inTurn(chunks, runTask);
    });
  }

  changeSettings(id: string, change: SettingsChange, signal: AbortSignal): Promise<CloudResult<void>> {
    const { action, parameters } = settingsRequest(id, change);
    return this.#single({ action, parameters, size: 1, parse: nothing }, signal);
  }

  redirect(id: string, redirects: Redirects, signal: AbortSignal): Promise<CloudResult<void>> {
    const parameters = redirectParameters(id, redirects);
    return this.#single({ action: 'ManualRewrite', parameters, size: redirects.pairs.length, parse: nothing }, signal);
  }

  removeRedirects(id: string, redirects: Redirects, signal: AbortSignal): Promise<CloudResult<void>> {
    const parameters = redirectParameters(id, redirects);
    return this.#single({ action: 'DeleteRewrite', parameters, size: redirects.pairs.length, parse: nothing }, signal);
  }

  registerTargets(id: string, targets: readonly NewBinding[], signal: AbortSignal): Promise<CloudResult<BatchOutcome>> {
    return this.#atOnce('BatchRegisterTargets', signal, async send =>
      send('BatchRegisterTargets', requests.registerParameters(id, targets), replies.batchOutcome),
    );
  }

  deregisterTargets(
    id: string,
    targets: readonly BindingKey[],
    signal: AbortSignal,
  ): Promise<CloudResult<BatchOutcome>> {
    return this.#atOnce('BatchDeregisterTargets', signal, async send =>
      send('BatchDeregisterTargets', requests.deregisterParameters(id, targets), replies.batchOutcome),
    );
  }

  modifyTags(id: string, targets: readonly TagChange[], signal: AbortSignal): Promise<CloudResult<void>> {
    return this.#atOnce('BatchModifyTargetTag', signal, async send => {
      for (const { parameters } of requests.modifyTagRequests(id, targets)) {
        await send('BatchModifyTargetTag', parameters, nothing);
      }
    });
  }

  modifyWeights(
    id: string,
    targets: readonly WeightChange[],
    { signal, priority }: { readonly signal: AbortSignal; readonly priority?: CallPriority | undefined },
  ): Promise<CloudResult<void>> {
    const action = 'BatchModifyTargetWeight';
    const write = { action, timeoutMs: this.#caller.limits.writeTimeoutMs, priority };
    return this.#withTasks(write, signal, async runTask => {
      const parts = requests.modifyWeightRequests(id, targets);
      await inTurn(
        parts.map(part => ({ action, ...part, parse: nothing })),
        runTask,
      );
    });
  }

  /** A change of load balancers, listeners or rules. */
  #configure<T>(action: string, signal: AbortSignal, body: (runTask: RunTask) => Promise<T>): Promise<CloudResult<T>> {
    return this.#withTasks({ action, timeoutMs: this.#caller.limits.configurationTimeoutMs }, signal, body);
  }

  #single(request: TaskRequest<string[]>, signal: AbortSignal): Promise<CloudResult<void>> {
    return this.#configure(request.action, signal, async runTask => {
      await runTask(request);
    });
  }

  /** A write that is over when CLB has answered. */
  #atOnce<T>(action: string, signal: AbortSignal, body: (send: Send) => Promise<T>): Promise<CloudResult<T>> {
    return this.#caller.write({ action, timeoutMs: this.#caller.limits.writeTimeoutMs }, signal, body);
  }

  #withTasks<T>(write: Write, signal: AbortSignal, body: (runTask: RunTask) => Promise<T>): Promise<CloudResult<T>> {
    return this.#caller.write(write, signal, (send, limit) =>
      body(async ({ action, parameters, size, parse }) => {
        const reading = (reply: Reply) => ({ made: parse(reply), taskId: replies.requestId(reply) });
        const { made, taskId } = await send(action, parameters, reading);
        const kind = this.#taskTimes.of(action, size);
        const describe = (id: string, bound: AbortSignal) => this.#describeTask(id, bound, write.priority);
        const acceptedAt = this.#clock.now();
        const ended = await pollTask(taskId, { clock: this.#clock, describe, kind }, limit);
        this.#observeTask?.({ action, durationMs: this.#clock.now() - acceptedAt });
        return { made, ended };
      }),
    );
  }

  #describeTask(taskId: string, signal: AbortSignal, priority: CallPriority | undefined): Promise<Reply> {
    const parameters = { TaskId: taskId };
    return this.#caller.readOnce({ action: 'DescribeTaskStatus', parameters, parse: reply => reply, priority }, signal);
  }
}

/** Each task when the one before has ended, since a load balancer works on one at a time; all that was made, in order. */
async function inTurn(parts: readonly TaskRequest<string[]>[], runTask: RunTask): Promise<string[]> {
  const made: string[][] = [];
  for (const part of parts) made.push((await runTask(part)).made);
  return made.flat();
}

function nothing(): string[] {
  return [];
}

function fail(text: string): never {
  throw new MalformedReplyError(text);
}
