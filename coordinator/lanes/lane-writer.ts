import { Wakeup } from '../../common/wakeup.ts';
import type { LoadBalancerChange } from '../cloud/load-balancer-settings.ts';
import type { BatchOutcome, CloudError, CloudResult } from '../cloud/types.ts';
import type { TargetWrite } from '../core/lane-plan.ts';
import type { TargetOperation } from '../core/target-operation.ts';
import { writeKind } from '../core/write-choice.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import { loggedError } from './lane-errors.ts';
import type { LaneFacts } from './lane-facts.ts';
import type { LaneOptions } from './lane-options.ts';
import type { LaneReader } from './lane-reader.ts';
import type { ListenerQueue } from './listener-queue.ts';
import { isSingle } from './listener-turns.ts';
import { sendListenerWork } from './send-listener-work.ts';
import { sendWrite } from './send-write.ts';
import type { SettingsQueue } from './settings-queue.ts';
import { judgeWrite, type RefusedPart, type WriteVerdict } from './write-verdict.ts';

const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 5_000;
/** A busy load balancer is asked again after this share of the time that the write is expected to take. */
const BUSY_SHARE = 0.05;
const BUSY_BASE_MIN_MS = 50;
/** And then ever more rarely, but so that the end of the busy time is noticed within about a third of it. */
const BUSY_GROWTH = 1.3;
/** The limiter makes the call wait that it lets through; this only keeps a full limiter from being asked at once. */
const THROTTLED_PAUSE_MS = 100;
const FENCE_RETRY_MS = 100;
/** A refusal that need not be final counts as one when the same was tried so often. */
const TRIES_BEFORE_REFUSED = 2;

type Turn =
  | { readonly kind: 'listeners'; readonly work: ListenerWork }
  | { readonly kind: 'targets'; readonly write: TargetWrite }
  /** What CLB refused before, apart from the rest. */
  | { readonly kind: 'apart'; readonly write: TargetWrite }
  /** Of the load balancer itself. */
  | { readonly kind: 'settings'; readonly change: LoadBalancerChange }
  | { readonly kind: 'idle' };

interface LaneWriterParts {
  readonly options: LaneOptions;
  readonly facts: LaneFacts;
  readonly queue: ListenerQueue;
  readonly settings: SettingsQueue;
  readonly reader: LaneReader;
}

/** The only one that writes to its load balancer, one call at a time (law L7). */
export class LaneWriter {
  readonly #options: LaneOptions;
  readonly #facts: LaneFacts;
  readonly #queue: ListenerQueue;
  readonly #settings: SettingsQueue;
  readonly #reader: LaneReader;
  readonly #wakeup: Wakeup;
  /** Outcomes in a row that made the lane pause. */
  #busyInRow = 0;
  #failuresInRow = 0;
  #wasApart = false;

  constructor(parts: LaneWriterParts) {
    this.#options = parts.options;
    this.#facts = parts.facts;
    this.#queue = parts.queue;
    this.#settings = parts.settings;
    this.#reader = parts.reader;
    this.#wakeup = new Wakeup(parts.options.clock);
  }

  /** There may be something to write. */
  wake(): void {
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const turn = this.#nextTurn();
      switch (turn.kind) {
        case 'listeners':
          await this.#changeListeners(turn.work, signal);
          break;
        case 'targets':
          await this.#gatherAndWrite(turn.write, signal);
          break;
        case 'apart':
          await this.#write(turn.write, { isApart: true }, signal);
          break;
        case 'settings':
          await this.#changeSettings(turn.change, signal);
          break;
        case 'idle':
          await this.#wakeup.wait(signal, this.#idleMs());
      }
    }
  }

  #nextTurn(): Turn {
    const now = this.#now();
    const write = this.#facts.replan()?.write;
    if (this.#options.fence.isShut) return { kind: 'idle' };
    const apart = this.#nextApart(now);
    const work = this.#facts.state.observed ? this.#queue.next(now) : undefined;
    if (work && ((!write && !apart) || this.#queue.hasWaitedLong(now))) return { kind: 'listeners', work };
    const change = this.#facts.state.observed ? this.#settings.next(now) : undefined;
    if (change && ((!write && !apart) || this.#settings.hasWaitedLong(now))) return { kind: 'settings', change };
    if (apart && !(write && this.#goesBefore(write, apart))) return { kind: 'apart', write: apart };
    return write ? { kind: 'targets', write } : { kind: 'idle' };
  }

  /** The two take turns, but what somebody waits for does not wait for what may be refused again. */
  #goesBefore(write: TargetWrite, apart: TargetWrite): boolean {
    return this.#wasApart || (write.urgent && !apart.urgent);
  }

  #nextApart(now: number): TargetWrite | undefined {
    const operations = this.#facts.refusals.nextApart(this.#facts.plan?.operations ?? [], now);
    const [first] = operations;
    if (!first) return undefined;
    const urgent = operations.some(({ kind }) => kind === 'close');
    return this.#facts.sized({ kind: writeKind(first), operations, urgent });
  }

  #idleMs(): number | undefined {
    const now = this.#now();
    const times = [this.#facts.lookAgainAt(), this.#queue.nextTryAt(now), this.#settings.nextTryAt(now)];
    const next = Math.min(...times.map(time => time ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(next) ? Math.max(1, next - now) : undefined;
  }

  // --- targets

  async #gatherAndWrite(first: TargetWrite, signal: AbortSignal): Promise<void> {
    await this.#gather(first, signal);
    if (signal.aborted) return;
    const write = this.#facts.replan()?.write;
    if (write) await this.#write(write, { isApart: false }, signal);
  }

  /** Waits for company; what is urgent does not wait as long, even if it comes later. */
  async #gather(first: TargetWrite, signal: AbortSignal): Promise<void> {
    const { timing } = this.#options;
    const gatherMs = (write: TargetWrite) => (write.kind === 'register' ? timing.gatherAdditionsMs : timing.gatherMs);
    let endsAt = this.#now() + gatherMs(first);
    while (!signal.aborted && this.#now() < endsAt) {
      await this.#wakeup.wait(signal, endsAt - this.#now());
      const write = this.#facts.replan()?.write;
      if (write) endsAt = Math.min(endsAt, this.#now() + gatherMs(write));
    }
  }

  async #write(write: TargetWrite, { isApart }: { isApart: boolean }, signal: AbortSignal): Promise<void> {
    if (!(await this.#fenceOpens(signal))) return;
    const { cloud, loadBalancerId, onWrite } = this.#options;
    this.#wasApart = isApart;
    const waits = this.#facts.waitsOf(write);
    this.#facts.beginWrite(write);
    onWrite(write, waits);
    const startedAt = this.#now();
    const result = await sendWrite(cloud, loadBalancerId, write);
    if (result.ok) this.#facts.hasSucceeded(write, this.#now() - startedAt);
    const verdict = judgeWrite(write, result);
    this.#report(write, result);
    if (verdict.pause === 'busy' && this.#reader.isBehindPredecessor()) {
      // The load balancer may be busy with the same: what it has done by the end of the pause is not written again.
      await this.#pauseFor(write, 'busy', signal);
      this.#takeVerdict(write, { ...verdict, done: true }, isApart);
      return;
    }
    this.#takeVerdict(write, verdict, isApart);
    // What is tried apart has its own pauses, so that it holds up nobody.
    await this.#pauseFor(write, isApart && verdict.refused ? 'none' : verdict.pause, signal);
  }

  #takeVerdict(write: TargetWrite, verdict: WriteVerdict, isApart: boolean): void {
    const succeeded = new Set(verdict.succeeded);
    const { done, counts } = verdict;
    this.#facts.endWrite(write, { done, counts, succeeded: one => succeeded.has(one), now: this.#now() });
    this.#facts.refusals.accepted(verdict.succeeded);
    if (done) this.#reader.readTargets(listenersOf(write.operations), write.urgent ? 'urgent' : 'normal');
    if (verdict.refused) this.#refused(verdict.refused, isApart);
  }

  #refused(part: RefusedPart, isApart: boolean): void {
    const { refusals } = this.#facts;
    const refusal = { error: part.error, isFinal: part.isFinal, now: this.#now() };
    if (part.error.notFound) this.#reader.readListeners();
    if (isApart) {
      const convicted = refusals.refusedApart(part.operations, refusal, place => this.#facts.boundAt(place));
      if (convicted) this.#fail(part.error, [convicted]);
      this.#tellPlan();
      return;
    }
    const tried = (operation: TargetOperation) => this.#facts.triesOf(operation) >= TRIES_BEFORE_REFUSED;
    const suspects = part.isFinal ? part.operations : part.operations.filter(tried);
    if (suspects.length === 0) return;
    const urgent = suspects.some(({ kind }) => kind === 'close');
    this.#reader.readTargets(refusals.refusedTogether(suspects, refusal), urgent ? 'urgent' : 'normal');
  }

  /** What CLB refuses, or has no room for, is left out of the plan: gates and Events hang on it. */
  #tellPlan(): void {
    const podUids = this.#facts.replan()?.touched;
    if (podUids && podUids.size > 0) this.#options.onObserved({ podUids, listeners: false });
  }

  #report(write: TargetWrite, result: CloudResult<BatchOutcome>): void {
    if (result.ok) return;
    const { error } = result;
    const operations = write.operations.length;
    this.#options.log.warn('a write to the load balancer failed', { ...loggedError(error), operations });
    if (error.class === 'terminal' && error.blames !== 'items') this.#fail(error, write.operations);
  }

  #fail(error: CloudError, operations: readonly TargetOperation[]): void {
    this.#options.onFailure({
      loadBalancerId: this.#options.loadBalancerId,
      error,
      ruleIds: [...new Set(operations.map(operation => operation.ruleId))],
      targets: operations,
    });
  }

  async #pauseFor(write: TargetWrite, pause: WriteVerdict['pause'], signal: AbortSignal): Promise<void> {
    this.#busyInRow = pause === 'busy' ? this.#busyInRow + 1 : 0;
    this.#failuresInRow = pause === 'backoff' ? this.#failuresInRow + 1 : 0;
    switch (pause) {
      case 'none':
        return;
      case 'throttled':
        return this.#pause(THROTTLED_PAUSE_MS, signal);
      case 'busy': {
        const baseMs = Math.max(BUSY_BASE_MIN_MS, this.#facts.expectedMs(write) * BUSY_SHARE);
        return this.#pause(grown(baseMs, this.#busyInRow, BUSY_GROWTH), signal);
      }
      case 'backoff':
        return this.#pause(doubled(BACKOFF_BASE_MS, this.#failuresInRow), signal);
    }
  }

  // --- listeners

  async #changeListeners(work: ListenerWork, signal: AbortSignal): Promise<void> {
    if (!(await this.#fenceOpens(signal))) return;
    const { cloud, loadBalancerId, log, onFailure } = this.#options;
    this.#queue.begin(work);
    const result = await sendListenerWork(cloud, loadBalancerId, work);
    const turnedAway = !this.#queue.end(work, result, this.#now());
    if (!turnedAway) this.#reader.readListeners();
    const error = result.ok ? undefined : result.error;
    if (error) log.warn('changing listeners failed', { ...loggedError(error), work: work.kind });
    this.#failuresInRow = turnedAway ? this.#failuresInRow + 1 : 0;
    if (turnedAway) await this.#pause(doubled(BACKOFF_BASE_MS, this.#failuresInRow), signal);
    else if (error && isSingle(work)) onFailure({ loadBalancerId, error, ruleIds: work.ruleIds, targets: [] });
  }

  // --- the load balancer itself

  async #changeSettings(change: LoadBalancerChange, signal: AbortSignal): Promise<void> {
    if (!(await this.#fenceOpens(signal))) return;
    const { cloud, loadBalancerId, log, onFailure, onChanged } = this.#options;
    const result = await cloud.changeLoadBalancer(loadBalancerId, change, new AbortController().signal);
    const error = result.ok ? undefined : result.error;
    this.#settings.end(change, error, this.#now());
    onChanged?.();
    if (!error) return;
    log.warn('changing the load balancer failed', { ...loggedError(error), change: change.kind });
    if (error.class === 'terminal') onFailure({ loadBalancerId, error, ruleIds: [], targets: [] });
  }

  async #fenceOpens(signal: AbortSignal): Promise<boolean> {
    const { fence, timing } = this.#options;
    if (fence.mayWrite(timing.writeTimeoutMs)) return true;
    await this.#pause(FENCE_RETRY_MS, signal);
    return false;
  }

  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    await new Wakeup(this.#options.clock).wait(signal, delayMs);
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

function doubled(baseMs: number, timesInRow: number): number {
  return grown(baseMs, timesInRow, 2);
}

function grown(baseMs: number, timesInRow: number, factor: number): number {
  return Math.min(baseMs * factor ** Math.min(timesInRow - 1, 30), BACKOFF_MAX_MS);
}

function listenersOf(operations: readonly TargetOperation[]): ReadonlySet<string> {
  return new Set(operations.map(operation => operation.place.listenerId));
}
