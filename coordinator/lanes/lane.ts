import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { Cloud, CloudError, CloudResult, Listener } from '../cloud/types.ts';
import type { ClusterView } from '../core/cluster-view.ts';
import type { LaneView } from '../core/drain-progress.ts';
import { chargeWrite, type LanePlan, type LanePlanLimits, planLane, type TargetWrite } from '../core/lane-plan.ts';
import type { PlacedRule, RuleState, RuleTarget } from '../core/rule-state.ts';
import type { ListenerWork } from '../loadbalancers/listener-plan.ts';
import {
  beginWrite,
  EMPTY_LANE_STATE,
  endWrite,
  type LaneState,
  mayTry,
  mergeBindings,
  mergeHealth,
  mergeListeners,
  nextTryAt,
} from './lane-state.ts';
import {
  afterListenerWork,
  isSingle,
  keepWanted,
  type ListenerTroubles,
  nextListenerTryAt,
  nextListenerWork,
  refusalOf,
} from './listener-turns.ts';
import { sendListenerWork } from './send-listener-work.ts';
import { sendWrite } from './send-write.ts';
import type { WriteFence } from './write-fence.ts';

/** What the coordinator wants of one load balancer; replaced as a whole whenever anything changed. */
export interface LaneDemand {
  readonly rules: readonly PlacedRule[];
  readonly view: ClusterView;
  readonly virtualAddresses: readonly string[];
  /** Changes of listeners, done when no target waits. */
  readonly listenerWork: readonly ListenerWork[];
  /** True while a gate waits for this load balancer: health is read more often. */
  readonly gateWaits: boolean;
}

export interface LaneOptions {
  readonly loadBalancerId: string;
  readonly cluster: string;
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly fence: WriteFence;
  readonly limits: LanePlanLimits;
  readonly timing: LaneTiming;
  readonly log: Logger;
  /** The lane knows more than before. */
  readonly onObserved: (change: ObservedChange) => void;
  /** A write is being sent. */
  readonly onWrite: (write: TargetWrite) => void;
  /** An operation failed for good; for an Event on the Service. */
  readonly onFailure: (failure: LaneFailure) => void;
}

/** What reads have changed. */
export interface ObservedChange {
  /** Pods whose targets look different. */
  readonly podUids: ReadonlySet<string>;
  /** Listeners or forwarding rules are others than before, or this was the first complete read. */
  readonly listeners: boolean;
}

/** One target and the rule that it is on. */
export interface PlacedTarget {
  readonly state: RuleState;
  readonly target: RuleTarget;
}

export interface LaneTiming {
  /** The deadline of a write, for the fence. */
  readonly writeTimeoutMs: number;
  /** How long an idle lane waits for company before it closes or removes targets. */
  readonly gatherMs: number;
  /** The same for additions. */
  readonly gatherAdditionsMs: number;
  readonly healthPollMs: number;
  readonly healthPollWhileGateWaitsMs: number;
  readonly relistMs: number;
}

export const DEFAULT_LANE_TIMING: LaneTiming = {
  writeTimeoutMs: 6_000,
  gatherMs: 3,
  gatherAdditionsMs: 30,
  healthPollMs: 5_000,
  healthPollWhileGateWaitsMs: 500,
  relistMs: 60_000,
};

export interface LaneFailure {
  readonly loadBalancerId: string;
  readonly error: CloudError;
  readonly ruleIds: readonly string[];
}

const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 5_000;
const READ_BACKOFF_BASE_MS = 500;
const FENCE_RETRY_MS = 100;
/** So that a write ends soon enough for the next drain to get in. */
const SIZE_MAX_WHILE_DRAINING = 130;
/** Listener work that waited this long goes before targets. */
const LISTENER_WORK_WAIT_MAX_MS = 2_000;

/**
 * All writes of one load balancer, one at a time (law L7): natural batches, the most urgent first, and a read after
 * every write before anything is believed (law L8).
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #writerWakeup: Wakeup;
  readonly #readerWakeup: Wakeup;
  readonly #healthWakeup: Wakeup;
  #state: LaneState = EMPTY_LANE_STATE;
  #demand: LaneDemand | undefined;
  #plan: LanePlan | undefined;
  readonly #dirtyListeners = new Set<string>();
  #listenersDirty = true;
  /** Changes of listeners that were tried, and how many of them the last list came after. */
  #listenerTroubles: ListenerTroubles = new Map();
  #listenerChanges = 0;
  #listenerChangesSeen = 0;
  #listenerWorkSince: number | undefined;
  #failures = 0;
  /** Halved when CLB refuses a batch for good, so that the bad operation is found (law L10). */
  #batchLimit = Number.POSITIVE_INFINITY;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#writerWakeup = new Wakeup(options.clock);
    this.#readerWakeup = new Wakeup(options.clock);
    this.#healthWakeup = new Wakeup(options.clock);
  }

  get listeners(): readonly Listener[] {
    return this.#state.listeners;
  }

  get observed(): boolean {
    return this.#state.observed;
  }

  /** What may be written and waits for its batch, and what law L2 keeps back. */
  get queue(): Pick<LanePlan, 'operations' | 'holds'> {
    return this.#plan ?? { operations: [], holds: [] };
  }

  /** Worked out from the newest facts; undefined until the load balancer was read once. */
  get plan(): LanePlan | undefined {
    return this.#plan;
  }

  /** Every target that is the Pod's, or is wanted for it. */
  targetsOf(podUid: string): readonly PlacedTarget[] {
    return (this.#plan?.states ?? []).flatMap(state =>
      state.targets
        .filter(({ wanted, bound }) => wanted?.pod.record.uid === podUid || bound?.mark?.podUid === podUid)
        .map(target => ({ state, target })),
    );
  }

  /** Whether a change of one of the Pod's targets is under way or waits for its read. */
  hasTransactionOf(podUid: string): boolean {
    return [...this.#state.transactions.values()].some(transaction => transaction.podUid === podUid);
  }

  isConcerned(podUid: string): boolean {
    return this.hasTransactionOf(podUid) || this.targetsOf(podUid).length > 0;
  }

  /**
   * Facts about these Pods changed in the view. Costs little when the lane has nothing to do with them.
   * @param ruleIds rules that select one of them and did not before
   */
  podsChanged(podUids: ReadonlySet<string>, ruleIds: ReadonlySet<string> = new Set()): void {
    const selects = this.#demand?.rules.some(rule => ruleIds.has(rule.id)) === true;
    if (!selects && ![...podUids].some(uid => this.isConcerned(uid))) return;
    this.#replan();
    this.#writerWakeup.wake();
  }

  /** The code with which CLB refuses the rule's listener, if it does. */
  refusalOf(ruleId: string): string | undefined {
    return refusalOf(this.#listenerTroubles, ruleId);
  }

  view(): LaneView {
    return {
      loadBalancerId: this.#options.loadBalancerId,
      virtualAddresses: this.#demand?.virtualAddresses ?? [],
      observed: this.#state.observed,
      states: this.#plan?.states ?? [],
      transactions: this.#state.transactions,
    };
  }

  /** Takes a new demand and answers with what follows from it now. */
  update(demand: LaneDemand): LanePlan | undefined {
    const gateWaited = this.#demand?.gateWaits ?? false;
    this.#demand = demand;
    this.#listenerTroubles = keepWanted(this.#listenerTroubles, demand.listenerWork);
    this.#listenerWorkSince = demand.listenerWork.length === 0 ? undefined : (this.#listenerWorkSince ?? this.#now());
    this.#replan();
    if (demand.gateWaits && !gateWaited) this.#healthWakeup.wake();
    this.#writerWakeup.wake();
    return this.#plan;
  }

  /** Runs until `signal` aborts. A write that is under way is finished first. */
  async run(signal: AbortSignal): Promise<void> {
    const loops = [this.#runReader(signal), this.#runHealth(signal), this.#runWriter(signal)];
    // A read that the stop cuts short rejects; that ends its loop, and is no failure of the lane.
    const ended = (error: unknown) => {
      if (!signal.aborted) throw error;
    };
    await Promise.all(loops.map(loop => loop.catch(ended)));
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #replan(): void {
    if (!this.#demand || !this.#state.observed) return;
    const { cluster, limits } = this.#options;
    this.#plan = planLane({
      rules: this.#demand.rules,
      view: this.#demand.view,
      cluster,
      observation: this.#state.observation,
      transactions: this.#state.transactions,
      memory: this.#state.memory,
      limits,
      mayTry: operation => mayTry(this.#state, operation, this.#now()),
      now: this.#now(),
      previous: this.#plan,
      dirty: 'all',
      sizeMax: this.#plan?.states.some(isDraining) ? SIZE_MAX_WHILE_DRAINING : limits.batchSizeMax,
      isSaturated: false,
      quarantined: new Map(),
      targetsPerRuleMax: () => Number.POSITIVE_INFINITY,
    });
    this.#state = { ...this.#state, memory: this.#plan.memory };
  }

  // --- writes

  async #runWriter(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#replan();
      const plan = this.#plan;
      const work = this.#nextListenerWork();
      if (work && (!plan?.write || this.#listenerWorkIsOld())) await this.#changeListeners(work, signal);
      else if (plan?.write) await this.#gatherAndWrite(plan.write, signal);
      else await this.#writerWakeup.wait(signal, this.#idleMs(plan));
    }
  }

  /** None until the listeners were read after the last change: what is wanted was derived from an older list. */
  #nextListenerWork(): ListenerWork | undefined {
    if (this.#listenerChangesSeen !== this.#listenerChanges) return undefined;
    return nextListenerWork(this.#listenerTroubles, this.#demand?.listenerWork ?? [], this.#now());
  }

  #listenerWorkIsOld(): boolean {
    return this.#listenerWorkSince !== undefined && this.#now() - this.#listenerWorkSince > LISTENER_WORK_WAIT_MAX_MS;
  }

  #idleMs(plan: LanePlan | undefined): number | undefined {
    const now = this.#now();
    const listenerTryAt = nextListenerTryAt(this.#listenerTroubles, this.#demand?.listenerWork ?? []) ?? 0;
    const times = [plan?.lookAgainAt, nextTryAt(this.#state, plan?.operations ?? [], now)];
    if (listenerTryAt > now) times.push(listenerTryAt);
    const next = Math.min(...times.map(time => time ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(next) ? Math.max(1, next - now) : undefined;
  }

  async #gatherAndWrite(first: TargetWrite, signal: AbortSignal): Promise<void> {
    const { timing } = this.#options;
    await this.#pause(first.kind === 'register' ? timing.gatherAdditionsMs : timing.gatherMs, signal);
    if (signal.aborted || !(await this.#fenceOpens(signal))) return;
    this.#replan();
    const planned = this.#plan?.write;
    if (!planned) return;
    const write = { ...planned, operations: planned.operations.slice(0, this.#batchLimit) };
    await this.#write(write, signal);
  }

  async #write(write: TargetWrite, signal: AbortSignal): Promise<void> {
    const { cloud, loadBalancerId, limits } = this.#options;
    this.#state = beginWrite(this.#state, write, this.#now());
    this.#state = { ...this.#state, memory: chargeWrite(this.#state.memory, write, limits.brake, this.#now()) };
    this.#options.onWrite(write);
    const result = await sendWrite(cloud, loadBalancerId, write);
    const done = result.ok || result.error.outcomeUnknown || result.error.notFound;
    const counts = result.ok || (result.error.class !== 'busy' && result.error.class !== 'throttled');
    this.#state = endWrite(this.#state, write, { done, counts, now: this.#now() });
    if (done) this.#markDirty(write);
    await this.#digest(result, write, signal);
  }

  #markDirty(write: TargetWrite): void {
    for (const operation of write.operations) this.#dirtyListeners.add(operation.place.listenerId);
    this.#readerWakeup.wake();
  }

  async #digest(result: CloudResult<unknown>, write: TargetWrite, signal: AbortSignal): Promise<void> {
    if (result.ok) {
      this.#failures = 0;
      this.#batchLimit = Math.min(this.#options.limits.batchSizeMax, this.#batchLimit * 2);
      return;
    }
    const { error } = result;
    this.#failures += 1;
    this.#options.log.warn('a write to the load balancer failed', {
      ...logged(error),
      operations: write.operations.length,
    });
    if (error.notFound) this.#listenersDirty = true;
    // A refusal for good is the operation's own trouble: it waits for its next try, the others go on (law L10).
    if (error.class === 'terminal') this.#isolate(error, write);
    else await this.#pause(this.#backoffMs(), signal);
  }

  /** A batch that is refused for good is split until the bad operation stands alone. */
  #isolate(error: CloudError, write: TargetWrite): void {
    if (write.operations.length > 1) {
      this.#batchLimit = Math.ceil(write.operations.length / 2);
      return;
    }
    const ruleIds = [...new Set(write.operations.map(operation => operation.ruleId))];
    this.#options.onFailure({ loadBalancerId: this.#options.loadBalancerId, error, ruleIds });
  }

  async #changeListeners(work: ListenerWork, signal: AbortSignal): Promise<void> {
    if (!(await this.#fenceOpens(signal))) return;
    const { cloud, loadBalancerId, log, onFailure } = this.#options;
    const result = await sendListenerWork(cloud, loadBalancerId, work);
    this.#listenerChanges += 1;
    this.#listenersDirty = true;
    this.#listenerWorkSince = undefined;
    this.#readerWakeup.wake();
    const error = result.ok ? undefined : result.error;
    if (error) log.warn('changing listeners failed', { ...logged(error), work: work.kind });
    if (error?.class === 'busy' || error?.class === 'throttled') {
      this.#failures += 1;
      await this.#pause(this.#backoffMs(), signal);
      return;
    }
    this.#listenerTroubles = afterListenerWork(this.#listenerTroubles, work, { error, now: this.#now() });
    if (error && isSingle(work)) onFailure({ loadBalancerId, error, ruleIds: work.ruleIds });
  }

  async #fenceOpens(signal: AbortSignal): Promise<boolean> {
    const { fence, timing } = this.#options;
    if (fence.mayWrite(timing.writeTimeoutMs)) return true;
    await this.#pause(FENCE_RETRY_MS, signal);
    return false;
  }

  #backoffMs(): number {
    return Math.min(BACKOFF_BASE_MS * 2 ** Math.min(this.#failures - 1, 10), BACKOFF_MAX_MS);
  }

  // --- reads

  async #runReader(signal: AbortSignal): Promise<void> {
    let relistAt = 0;
    let failures = 0;
    while (!signal.aborted) {
      const now = this.#now();
      const all = this.#listenersDirty || now >= relistAt;
      if (!all && this.#dirtyListeners.size === 0) {
        await this.#readerWakeup.wait(signal, relistAt - now);
        continue;
      }
      const isFirst = !this.#state.observed;
      const ok = all ? await this.#relist(signal) : await this.#readDirty(signal);
      // Until health is known, law L2 takes any target for the last open one.
      if (ok && isFirst) this.#healthWakeup.wake();
      if (ok && all) relistAt = this.#now() + this.#options.timing.relistMs;
      failures = ok ? 0 : failures + 1;
      if (ok) this.#observedMore(all);
      else await this.#pause(readRetryMs(failures), signal);
    }
  }

  async #relist(signal: AbortSignal): Promise<boolean> {
    const { cloud, loadBalancerId } = this.#options;
    this.#listenersDirty = false;
    this.#dirtyListeners.clear();
    const changes = this.#listenerChanges;
    const listeners = await cloud.describeListeners(loadBalancerId, signal);
    if (!listeners.ok) return this.#readFailed(listeners.error, []);
    const listenerIds = [...new Set([...listeners.value.map(listener => listener.id), ...this.#boundListenerIds()])];
    const startedAt = this.#now();
    const present = listeners.value.map(listener => listener.id);
    const bindings = await cloud.describeTargets(loadBalancerId, present, signal);
    if (!bindings.ok) return this.#readFailed(bindings.error, []);
    this.#state = mergeListeners(this.#state, listeners.value);
    this.#state = mergeBindings(this.#state, { listenerIds, startedAt, bindings: bindings.value });
    // What was wanted of the listeners before has to be derived anew.
    if (changes !== this.#listenerChangesSeen && this.#demand) this.#demand = { ...this.#demand, listenerWork: [] };
    this.#listenerChangesSeen = changes;
    return true;
  }

  /** Listeners that had bindings or changes before: what is on them went with them if they are gone. */
  #boundListenerIds(): string[] {
    const keys = [...this.#state.observation.places.keys(), ...this.#state.transactions.keys()];
    return keys.map(key => key.slice(0, key.indexOf('|')));
  }

  async #readDirty(signal: AbortSignal): Promise<boolean> {
    const { cloud, loadBalancerId } = this.#options;
    const listenerIds = [...this.#dirtyListeners];
    this.#dirtyListeners.clear();
    const startedAt = this.#now();
    const bindings = await cloud.describeTargets(loadBalancerId, listenerIds, signal);
    if (!bindings.ok) return this.#readFailed(bindings.error, listenerIds);
    this.#state = mergeBindings(this.#state, { listenerIds, startedAt, bindings: bindings.value });
    return true;
  }

  #readFailed(error: CloudError, listenerIds: readonly string[]): false {
    if (listenerIds.length === 0 || error.notFound) this.#listenersDirty = true;
    for (const id of listenerIds) this.#dirtyListeners.add(id);
    this.#options.log.warn('a read of the load balancer failed', logged(error));
    if (error.class === 'terminal') {
      this.#options.onFailure({ loadBalancerId: this.#options.loadBalancerId, error, ruleIds: [] });
    }
    return false;
  }

  async #runHealth(signal: AbortSignal): Promise<void> {
    const { timing } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const ok = this.#state.observation.places.size === 0 || (await this.#readHealth(signal));
      failures = ok ? 0 : failures + 1;
      const pollMs = this.#demand?.gateWaits ? timing.healthPollWhileGateWaitsMs : timing.healthPollMs;
      await this.#healthWakeup.wait(signal, ok ? pollMs : Math.max(pollMs, readRetryMs(failures)));
    }
  }

  async #readHealth(signal: AbortSignal): Promise<boolean> {
    const { cloud, loadBalancerId, log } = this.#options;
    const startedAt = this.#now();
    const health = await cloud.describeTargetHealth([loadBalancerId], signal);
    if (signal.aborted) return true;
    if (!health.ok) {
      log.warn('a read of target health failed', logged(health.error));
      return false;
    }
    this.#state = mergeHealth(this.#state, { startedAt, health: health.value });
    this.#observedMore(false);
    return true;
  }

  #observedMore(listeners: boolean): void {
    this.#replan();
    const targets = (this.#plan?.states ?? []).flatMap(state => state.targets);
    const podUids = targets.flatMap(({ wanted, bound }) => [wanted?.pod.record.uid ?? [], bound?.mark?.podUid ?? []]);
    this.#options.onObserved({ podUids: new Set(podUids.flat()), listeners });
    this.#writerWakeup.wake();
  }

  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    await new Wakeup(this.#options.clock).wait(signal, delayMs);
  }
}

function readRetryMs(failures: number): number {
  return Math.min(READ_BACKOFF_BASE_MS * 2 ** Math.min(failures - 1, 10), BACKOFF_MAX_MS);
}

function logged(error: CloudError): Record<string, unknown> {
  const { code, cloudCode, action, message, requestId } = error;
  return { code, cloudCode, action, message, requestId };
}

function isDraining({ targets }: RuleState): boolean {
  return targets.some(target => target.bound?.owner?.deletionSeenAt !== undefined);
}
