import { type Clock, sleep } from '../../common/clock.ts';
import { type Random, randomUuid } from '../../common/random.ts';
import { everyAction } from './actions.ts';
import { type Call, hit } from './call.ts';
import { type BadReply, BadReplyError, ClbError } from './clb-error.ts';
import { Elsewhere } from './elsewhere.ts';
import { Faults, type Misfortune } from './faults.ts';
import { Forwarding } from './forwarding.ts';
import { HealthChecker, type HealthProbe } from './health-checker.ts';
import { History } from './history.ts';
import { Journal } from './journal.ts';
import type { LoadBalancerSeed } from './new-load-balancer.ts';
import type { Action, ActionContext } from './plan.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { ClbSettings } from './settings.ts';
import { spoilsOf } from './spoils.ts';
import { type Change, ClbState } from './state.ts';
import { TaskTable } from './task-table.ts';
import { WriteRunner } from './write-runner.ts';

export interface ClbServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: ClbSettings;
  readonly probe: HealthProbe;
  /** Draws at which moment of its first interval a target is probed for the first time; default: `random`. */
  readonly firstProbe?: Random;
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
  readonly elsewhere: Elsewhere;
  readonly #clock: Clock;
  readonly #random: Random;
  #settings: ClbSettings;
  readonly #state: ClbState;
  readonly #tasks = new TaskTable();
  readonly #limiter = new RateLimiter();
  readonly #health: HealthChecker;
  readonly #history: History;
  readonly #writes: WriteRunner;
  readonly #actions = everyAction();
  readonly #stopped = new AbortController();

  constructor({ clock, random, settings, probe, firstProbe = random }: ClbServerOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#settings = settings;
    this.faults = new Faults(random);
    this.#state = new ClbState(settings.vips, random);
    this.#history = new History(this.#state);
    this.#health = new HealthChecker({
      clock,
      random: firstProbe,
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
    this.#writes = new WriteRunner({
      clock,
      random,
      tasks: this.#tasks,
      latency: () => this.#settings.latency,
      stopped: this.#stopped.signal,
      show: (call, changes) => this.#show(call.action, call.requestId, changes),
    });
    this.elsewhere = new Elsewhere({
      state: this.#state,
      wallNow: () => clock.wallNow(),
      show: (cause, changes) => this.#show(cause, '', changes),
      call: (action, parameters) => this.#carryOut(this.#newCall(action, parameters, true)),
      writeAtOnce: (action, parameters) => this.#writeAtOnce(this.#newCall(action, parameters, true)),
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
    return this.elsewhere.seed(seed);
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
  call(action: string, parameters: unknown): Promise<Record<string, unknown>> {
    return this.#carryOut(this.#newCall(action, parameters, false));
  }

  #newCall(action: string, parameters: unknown, isForeign: boolean): Call {
    const requestId = randomUuid(this.#random);
    return { action, parameters, requestId, misfortunes: isForeign ? [] : this.faults.take(action), isForeign };
  }

  async #carryOut(call: Call): Promise<Record<string, unknown>> {
    const at = this.#clock.wallNow();
    try {
      const inside = { ...(await this.#answer(call)), RequestId: call.requestId };
      throwMisfortune(hit(call, 'late-error'));
      await this.#hold(call, 'delay-reply');
      this.#note(call, at, undefined);
      const badReply = badReplyOf(call, inside);
      if (badReply) throw new BadReplyError(badReply, call.requestId);
      return inside;
    } catch (error) {
      if (!(error instanceof ClbError) || error.requestId !== '') throw error;
      await this.#hold(call, 'delay-reply');
      this.#note(call, at, error);
      throw error.withRequestId(call.requestId);
    }
  }

  async #answer(call: Call): Promise<Record<string, unknown>> {
    await this.#hold(call, 'delay');
    let plan: ReturnType<Action>;
    const context = this.#context(call);
    try {
      throwMisfortune(hit(call, 'error'));
      plan = this.#admitted(call.action)(context, call.parameters);
    } catch (error) {
      return this.#refuse(error);
    }
    if (plan.kind === 'write') return this.#writes.run(call, plan);
    await this.#sleep(this.#settings.latency.readMs / 2);
    const answer = plan.answer();
    await this.#sleep(this.#settings.latency.readMs / 2);
    return answer;
  }

  /** @throws ClbError when it is refused; then nothing is done. */
  #writeAtOnce(call: Call): Record<string, unknown> {
    const plan = this.#actionOf(call.action)({ ...this.#context(call), ignoresLocks: true }, call.parameters);
    if (plan.kind === 'read') return { ...plan.answer(), RequestId: call.requestId };
    const task = this.#tasks.begin(call.requestId);
    for (const step of plan.steps) this.#show(call.action, call.requestId, step.apply());
    Object.assign(task, { status: 0, loadBalancerIds: plan.createdLoadBalancerIds ?? [] });
    this.#note(call, this.#clock.wallNow(), undefined);
    return { ...plan.answer, RequestId: call.requestId };
  }

  /** @throws ClbError InvalidAction. */
  #actionOf(action: string): Action {
    const found = this.knows(action) ? this.#actions[action] : undefined;
    if (found) return found;
    throw new ClbError('InvalidAction', `The action ${action} is not valid, or not in the sandbox.`);
  }

  /** @throws ClbError InvalidAction, RequestLimitExceeded. */
  #admitted(action: string): Action {
    const found = this.#actionOf(action);
    const { requestsPerSecond } = this.#settings.quota;
    const left = requestsPerSecond - this.faults.spentPerSecond(action);
    if (this.#limiter.accepts(action, this.#clock.now(), left)) return found;
    const message = `Your current request times of ${action} exceed the limit of ${requestsPerSecond} per second.`;
    throw new ClbError('RequestLimitExceeded', message);
  }

  async #refuse(error: unknown): Promise<never> {
    await this.#sleep(this.#settings.latency.readMs);
    throw error;
  }

  /** The moment at which reads begin to show the changes. */
  #show(action: string, requestId: string, changes: readonly Change[]): void {
    if (changes.length === 0) return;
    this.#history.record(this.#clock.now(), changes);
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
      replyLost: error === undefined && badReplyOf(call, {}) !== undefined,
      ...(call.isForeign ? { foreign: true } : {}),
    });
  }

  async #hold(call: Call, kind: 'delay' | 'delay-reply'): Promise<void> {
    const delay = hit(call, kind);
    if (delay) await this.#sleep(delay.delayMs);
  }

  #sleep(delayMs: number): Promise<void> {
    return sleep(this.#clock, delayMs, this.#stopped.signal);
  }

  #context(call: Call): ActionContext {
    const stale = hit(call, 'stale-read');
    return {
      state: this.#state,
      view: stale ? this.#history.at(() => this.#clock.now() - stale.staleMs) : this.#state,
      spoils: spoilsOf(call.misfortunes, this.#random),
      ignoresLocks: false,
      settings: this.#settings,
      tasks: this.#tasks,
      random: this.#random,
      requestId: call.requestId,
      now: this.#clock.now(),
      wallNow: this.#clock.wallNow(),
      health: (place, key) => this.#health.status(place, key),
    };
  }
}

function badReplyOf(call: Call, inside: Record<string, unknown>): BadReply | undefined {
  const html = hit(call, 'html-reply');
  if (html) return { kind: 'html', status: html.status };
  if (hit(call, 'lose-reply')) return { kind: 'none' };
  if (hit(call, 'drip-reply')) return { kind: 'drip', inside };
  return hit(call, 'break-reply') ? { kind: 'broken', inside } : undefined;
}

function throwMisfortune(fault: Extract<Misfortune, { code: string }> | undefined): void {
  if (fault) throw new ClbError(fault.code, fault.message ?? 'a fault of the sandbox');
}
