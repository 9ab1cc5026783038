import { type Clock, sleep } from '../../common/clock.ts';
import { type Random, randomUuid } from '../../common/random.ts';
import { ClbError } from './clb-error.ts';
import { Faults, type Misfortune } from './faults.ts';
import { Forwarding } from './forwarding.ts';
import { HealthChecker, type HealthProbe } from './health-checker.ts';
import { Journal } from './journal.ts';
import { listenerActions } from './listener-actions.ts';
import { type LoadBalancerSeed, loadBalancerActions, seedLoadBalancer } from './load-balancer-actions.ts';
import type { Action, ActionContext, WritePlan } from './plan.ts';
import { queryActions } from './query-actions.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { ClbSettings } from './settings.ts';
import { type Change, ClbState } from './state.ts';
import { targetActions } from './target-actions.ts';
import { type Task, TaskTable } from './task-table.ts';

const BUSY_TAIL_FULL_SIZE = 500;

export interface ClbServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: ClbSettings;
  readonly probe: HealthProbe;
}

/** One call on its way through the server. */
interface Call {
  readonly action: string;
  readonly parameters: unknown;
  readonly requestId: string;
  readonly misfortunes: readonly Misfortune[];
}

/**
 * A stand-in for the CLB API (version 2018-03-17) of one account and region, without sockets. It keeps the manners of
 * the real one that hurt: asynchronous tasks, one write per load balancer at a time, a busy tail, limits, quotas, and a
 * data plane that follows late.
 */
export class ClbServer {
  readonly journal = new Journal();
  readonly faults: Faults;
  readonly forwarding: Forwarding;
  readonly #clock: Clock;
  readonly #random: Random;
  #settings: ClbSettings;
  readonly #state: ClbState;
  readonly #tasks = new TaskTable();
  readonly #limiter = new RateLimiter();
  readonly #health: HealthChecker;
  readonly #actions: Readonly<Record<string, Action>>;
  readonly #stopped = new AbortController();

  constructor({ clock, random, settings, probe }: ClbServerOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#settings = settings;
    this.faults = new Faults(random);
    this.#state = new ClbState(settings.vips, random);
    this.#actions = { ...loadBalancerActions(), ...listenerActions, ...targetActions, ...queryActions };
    this.#health = new HealthChecker({
      clock,
      random,
      probe,
      onTransition: change => this.journal.append({ kind: 'health', at: clock.wallNow(), ...change }),
    });
    this.forwarding = new Forwarding({
      clock,
      random,
      settings: () => this.#settings.forwarding,
      health: (place, key) => this.#health.status(place, key),
      sessionsIgnoreWeightZero: settings.manners.sessionsIgnoreWeightZero,
      record: record => this.journal.append(record),
    });
  }

  settings(): ClbSettings {
    return this.#settings;
  }

  /** Takes effect with the next call. The number of forwarders and the VIPs stay as they are. */
  configure(settings: ClbSettings): void {
    this.#settings = settings;
  }

  knows(action: string): boolean {
    return Object.hasOwn(this.#actions, action);
  }

  /** A running load balancer that someone else made. Returns its id and address. */
  seed(seed: LoadBalancerSeed): { readonly id: string; readonly vip: string } {
    const { id, vip } = seedLoadBalancer(this.#state, seed, this.#clock.wallNow());
    this.#show('seed', '', [{ kind: 'load-balancer-created', loadBalancerId: id, vip }]);
    return { id, vip };
  }

  /** No probe or task goes on after this; calls under way are rejected. */
  stop(): void {
    this.#stopped.abort(new Error('the CLB sandbox has stopped'));
    this.#health.stop();
  }

  /**
   * Answers one call as the real API would, with the inside of `Response`. The call goes on when the caller is gone.
   * @throws ClbError with code, message and request id; the code is empty when the reply was lost.
   */
  async call(action: string, parameters: unknown): Promise<Record<string, unknown>> {
    const requestId = randomUuid(this.#random);
    const at = this.#clock.wallNow();
    const call = { action, parameters, requestId, misfortunes: this.faults.take(action) };
    try {
      const answer = await this.#answer(call);
      throwMisfortune(hit(call, 'late-error'));
      await this.#hold(call, 'delay-reply');
      this.#note(call, at, undefined);
      if (hit(call, 'lose-reply')) throw new ClbError('', 'the connection broke before the answer', requestId);
      return { ...answer, RequestId: requestId };
    } catch (error) {
      if (!(error instanceof ClbError) || error.requestId !== '') throw error;
      await this.#hold(call, 'delay-reply');
      this.#note(call, at, error);
      throw error.withRequestId(requestId);
    }
  }

  async #answer(call: Call): Promise<Record<string, unknown>> {
    await this.#hold(call, 'delay');
    let plan: ReturnType<Action>;
    const context = this.#context(call.requestId);
    try {
      throwMisfortune(hit(call, 'error'));
      plan = this.#admitted(call.action)(context, call.parameters);
    } catch (error) {
      return this.#refuse(error);
    }
    if (plan.kind === 'write') return this.#write(call, plan);
    await this.#sleep(this.#settings.latency.readMs / 2);
    const answer = plan.answer();
    await this.#sleep(this.#settings.latency.readMs / 2);
    return answer;
  }

  /** @throws ClbError InvalidAction, RequestLimitExceeded. */
  #admitted(action: string): Action {
    const found = this.knows(action) ? this.#actions[action] : undefined;
    if (!found) throw new ClbError('InvalidAction', `The action ${action} is not valid, or not in the sandbox.`);
    const { requestsPerSecond } = this.#settings.quota;
    if (this.#limiter.accepts(action, this.#clock.now(), requestsPerSecond)) return found;
    const message = `Your current request times of ${action} exceed the limit of ${requestsPerSecond} per second.`;
    throw new ClbError('RequestLimitExceeded', message);
  }

  async #refuse(error: unknown): Promise<never> {
    await this.#sleep(this.#settings.latency.readMs);
    throw error;
  }

  async #write(call: Call, plan: WritePlan): Promise<Record<string, unknown>> {
    const task = this.#tasks.begin(call.requestId);
    for (const loadBalancer of plan.locks) loadBalancer.operating = true;
    const done = this.#runSteps(call, plan, task);
    if (plan.answersWhen === 'accepted') {
      done.catch(error => this.#endedEarly(error));
      await this.#sleep(this.#settings.latency.acceptMs);
      return plan.answer;
    }
    await done;
    if (task.status === 1) throw new ClbError('FailedOperation', task.message);
    return plan.answer;
  }

  /** A task that goes on after the answer may end with the server; anything else is our own mistake. */
  #endedEarly(error: unknown): void {
    if (!this.#stopped.signal.aborted) throw error;
  }

  async #runSteps(call: Call, plan: WritePlan, task: Task): Promise<void> {
    const isFailing = hit(call, 'fail-task') !== undefined;
    const isIdle = isFailing || hit(call, 'do-nothing') !== undefined;
    const startedAt = this.#clock.now();
    try {
      for (const step of plan.steps) {
        const waitMs = startedAt + step.afterMs - this.#clock.now();
        if (waitMs > 0) await this.#sleep(waitMs);
        if (!isIdle) this.#show(call.action, call.requestId, step.apply());
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
    const share = Math.min(1, plan.size / BUSY_TAIL_FULL_SIZE);
    const tailMs = this.#random.next() * this.#settings.latency.busyTailMaxMs * share;
    for (const loadBalancer of plan.locks) {
      loadBalancer.operating = false;
      loadBalancer.busyUntil = this.#clock.now() + tailMs;
    }
  }

  /** The moment at which reads begin to show the changes. */
  #show(action: string, requestId: string, changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const change of changes) this.#health.apply(change);
    this.journal.append({ kind: 'change', at: this.#clock.wallNow(), action, requestId, changes });
    this.forwarding.follow(requestId, changes);
  }

  #note(call: Call, at: number, error: ClbError | undefined): void {
    this.journal.append({
      kind: 'call',
      at,
      finishedAt: this.#clock.wallNow(),
      action: call.action,
      parameters: call.parameters,
      code: error?.code ?? '',
      message: error?.message ?? '',
      requestId: call.requestId,
      replyLost: error === undefined && hit(call, 'lose-reply') !== undefined,
    });
  }

  async #hold(call: Call, kind: 'delay' | 'delay-reply'): Promise<void> {
    const delay = hit(call, kind);
    if (delay) await this.#sleep(delay.delayMs);
  }

  #sleep(delayMs: number): Promise<void> {
    return sleep(this.#clock, delayMs, this.#stopped.signal);
  }

  #context(requestId: string): ActionContext {
    return {
      state: this.#state,
      settings: this.#settings,
      tasks: this.#tasks,
      random: this.#random,
      requestId,
      now: this.#clock.now(),
      wallNow: this.#clock.wallNow(),
      health: (place, key) => this.#health.status(place, key),
    };
  }
}

function throwMisfortune(fault: Extract<Misfortune, { code: string }> | undefined): void {
  if (fault) throw new ClbError(fault.code, fault.message ?? 'a fault of the sandbox');
}

function hit<K extends Misfortune['kind']>(call: Call, kind: K): Extract<Misfortune, { kind: K }> | undefined {
  return call.misfortunes.find((candidate): candidate is Extract<Misfortune, { kind: K }> => candidate.kind === kind);
}
