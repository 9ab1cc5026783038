import { isDeepStrictEqual } from 'node:util';
import type { Listener } from '../cloud/types.ts';
import type { Holding } from '../core/drain-progress.ts';
import { chargeWrite, type LanePlan, planLane, type TargetWrite } from '../core/lane-plan.ts';
import { parseMark } from '../core/mark.ts';
import { bindingAt, changedPlaces, placeKey, type Transaction, type TransactionTable } from '../core/observation.ts';
import type { PlacedRule } from '../core/rule-state.ts';
import { priorityOf, type TargetOperation } from '../core/target-operation.ts';
import { type Difference, differencesBetween } from './differences.ts';
import { disputedListeners } from './disputes.ts';
import type {
  FailedTarget,
  LaneDemand,
  LaneOptions,
  ObservedChange,
  OperationWait,
  PlacedTarget,
} from './lane-options.ts';
import { LanePace } from './lane-pace.ts';
import {
  type BindingsRead,
  beginWrite,
  EMPTY_LANE_STATE,
  endWrite,
  type LaneState,
  mayTry,
  mergeBindings,
  mergeHealth,
  mergeListeners,
  nextTryAt,
  triesOf,
  unshownSuccesses,
  type WriteResult,
} from './lane-state.ts';
import { operationId, transactionId } from './operation-id.ts';
import { PodIndex } from './pod-index.ts';
import { Refusals, type TargetsPlace } from './refusals.ts';
import { StandingRules } from './standing-rules.ts';
import { type StrayFacts, Strays } from './strays.ts';

export interface ListenerList {
  readonly listeners: readonly Listener[];
  readonly startedAt: number;
}

/** A complete or partial read of the load balancer. */
export interface LaneRead extends BindingsRead {
  /** Undefined: the list of listeners was not read. */
  readonly list: ListenerList | undefined;
}

export interface LaneNews {
  readonly change: ObservedChange;
  readonly differences: readonly Difference[];
  /** What CLB called a success again and again and no read has shown. */
  readonly unshown: readonly FailedTarget[];
}

/** So often in a row a success may change nothing before it is told. */
const UNSHOWN_TOLD = 3;

/**
 * What a lane knows, what is wanted of it, and the plan that follows. Nothing in here waits: the loops that read and
 * write stand beside it.
 */
export class LaneFacts {
  readonly refusals = new Refusals();
  readonly #options: LaneOptions;
  readonly #strays = new Strays();
  readonly #index = new PodIndex();
  readonly #rules = new StandingRules();
  readonly #pace: LanePace;
  #state: LaneState = EMPTY_LANE_STATE;
  #demand: LaneDemand | undefined;
  #plan: LanePlan | undefined;
  #dirty: Set<string> | 'all' = 'all';
  #moving: { table: TransactionTable; podUids: ReadonlySet<string> } | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#pace = new LanePace(options.limits.batchSizeMax);
  }

  get state(): LaneState {
    return this.#state;
  }
  get demand(): LaneDemand | undefined {
    return this.#demand;
  }
  get plan(): LanePlan | undefined {
    return this.#plan;
  }
  get ownsTargets(): boolean {
    return this.#index.ownsTargets;
  }

  // --- what is wanted

  want(demand: LaneDemand): void {
    if (demand.view !== this.#demand?.view) this.#dirty = 'all';
    this.#demand = demand;
    this.replan();
  }

  setGateWaits(gateWaits: boolean): void {
    if (this.#demand) this.#demand = { ...this.#demand, gateWaits };
  }

  /** @returns false when the lane has nothing to do with any of them */
  podsChanged(podUids: ReadonlySet<string>, ruleIds: ReadonlySet<string>): boolean {
    const dirty = new Set([...ruleIds].filter(id => this.#plan?.rules.has(id)));
    for (const podUid of podUids) for (const ruleId of this.#index.rulesOf(podUid)) dirty.add(ruleId);
    if (dirty.size === 0) return false;
    if (this.#dirty !== 'all') for (const ruleId of dirty) this.#dirty.add(ruleId);
    this.refusals.reconsider(operation => podUids.has(operation.podUid), this.#now());
    this.replan();
    return true;
  }

  replan(): LanePlan | undefined {
    if (!this.#demand || !this.#state.observed) return undefined;
    const { cluster, limits } = this.#options;
    const now = this.#now();
    const previous = this.#plan;
    const plan = planLane({
      rules: this.#rules.of(this.#demand.rules, this.#state.listeners),
      view: this.#demand.view,
      cluster,
      observation: this.#state.observation,
      transactions: this.#state.transactions,
      memory: this.#state.memory,
      limits,
      mayTry: operation => mayTry(this.#state, operation, now) && this.refusals.mayMingle(operation),
      now,
      previous,
      dirty: this.#dirty,
      sizeMax: limits.batchSizeMax,
      isSaturated: this.#pace.isSaturated,
      quarantined: this.refusals.refusedKeys(now),
      targetsPerRuleMax: place => this.#quotaOf(place, now),
    });
    this.#dirty = new Set();
    this.#index.update(previous, plan);
    this.refusals.keepWanted(() => this.#wantedIds(plan), now);
    this.#state = { ...this.#state, memory: plan.memory };
    this.#plan = { ...plan, write: plan.write && this.sized(plan.write) };
    this.#pace.wasQueued(plan.operations.length);
    return this.#plan;
  }

  /** Of what waits to be sent, and of what was sent and waits for its read. */
  #wantedIds({ operations }: LanePlan): Set<string> {
    const ids = new Set(operations.map(operationId));
    for (const transaction of this.#state.transactions.values()) ids.add(transactionId(transaction));
    return ids;
  }

  #quotaOf(place: PlacedRule['place'], now: number): number {
    const known = this.#options.targetsPerRuleMax?.(place) ?? Number.POSITIVE_INFINITY;
    return Math.min(known, this.refusals.quotaOf(place, now) ?? Number.POSITIVE_INFINITY);
  }

  // --- what is asked

  targetsOf(podUid: string): readonly PlacedTarget[] {
    const found: PlacedTarget[] = [];
    for (const ruleId of this.#index.rulesOf(podUid)) {
      const state = this.#plan?.rules.get(ruleId)?.state;
      for (const target of state?.targets ?? []) {
        const isPods = target.wanted?.pod.record.uid === podUid || target.bound?.mark?.podUid === podUid;
        if (state && isPods) found.push({ state, target });
      }
    }
    return found;
  }

  concernedPods(): ReadonlySet<string> {
    return new Set([...this.#index.podUids(), ...this.#movingPods(), ...this.#strays.podUids(this.#strayFacts())]);
  }

  namespacesBoundAt(listenerId: string, locationId?: string): ReadonlySet<string> {
    const prefix = locationId === undefined ? `${listenerId}|` : `${placeKey({ listenerId, locationId })}|`;
    const namespaces = new Set<string>();
    for (const [key, place] of this.#state.observation.places) {
      if (!`${key}|`.startsWith(prefix)) continue;
      for (const { tag } of place.bindings.values()) {
        const mark = parseMark(tag, this.#options.cluster);
        if (mark) namespaces.add(mark.namespace);
      }
    }
    for (const { key, operation, podUid } of this.#state.transactions.values()) {
      const pod = this.#demand?.view.pods.get(podUid);
      if (operation === 'register' && pod && key.startsWith(prefix)) namespaces.add(pod.record.namespace);
    }
    return namespaces;
  }

  /** Every target of the Pod that CLB has, also where no rule wants one any more. */
  holdingsOf(podUid: string): readonly Holding[] {
    const planned = this.targetsOf(podUid).flatMap(({ state: { rule }, target: { bound, place } }) =>
      bound?.mark?.podUid === podUid ? [holdingOf(rule, place.port, bound.weight)] : [],
    );
    return [...planned, ...this.#strays.of(podUid, this.#strayFacts())];
  }

  #strayFacts(): StrayFacts {
    const { observation, listeners } = this.#state;
    return { observation, listeners, plan: this.#plan, cluster: this.#options.cluster };
  }

  hasTransactionOf(podUid: string): boolean {
    return this.#movingPods().has(podUid);
  }

  /** Pods of which a change is under way or waits for its read. */
  #movingPods(): ReadonlySet<string> {
    const table = this.#state.transactions;
    if (this.#moving?.table !== table) {
      const podUids = new Set<string>();
      for (const transaction of table.values()) podUids.add(transaction.podUid);
      this.#moving = { table, podUids };
    }
    return this.#moving.podUids;
  }

  isConcerned(podUid: string): boolean {
    if (this.#index.rulesOf(podUid).size > 0 || this.hasTransactionOf(podUid)) return true;
    return this.#strays.of(podUid, this.#strayFacts()).length > 0;
  }

  /** When to plan again though nothing happens; undefined when there is no such time. */
  lookAgainAt(): number | undefined {
    const now = this.#now();
    const times = [
      this.#plan?.lookAgainAt,
      nextTryAt(this.#state, this.#plan?.operations ?? [], now),
      this.refusals.nextLookAt(now),
    ];
    const next = Math.min(...times.map(time => time ?? Number.POSITIVE_INFINITY));
    return Number.isFinite(next) ? next : undefined;
  }

  // --- writes

  /** The part of a write that one call should carry now. */
  sized(write: TargetWrite): TargetWrite {
    return this.#pace.sized(write, { isDraining: this.#index.isDraining, now: this.#now() });
  }

  waitsOf({ operations }: TargetWrite): readonly OperationWait[] {
    const now = this.#now();
    return operations.map(operation => {
      const since = this.#plan?.rules.get(operation.ruleId)?.memory.wantedSince.get(operation.key)?.since;
      return { priority: priorityOf(operation), waitedMs: now - (since ?? now) };
    });
  }

  /** Since when the oldest operation waits, those included that may not be tried yet; undefined when none does. */
  oldestWaitSince(): number | undefined {
    let oldest: number | undefined;
    for (const { memory } of this.#plan?.rules.values() ?? []) {
      for (const { since } of memory.wantedSince.values()) if (oldest === undefined || since < oldest) oldest = since;
    }
    return oldest;
  }

  /** Of the rule that is nearest to its quota, the share of it that is used, foreign targets included; 0 to 1. */
  fullestRuleRatio(): number {
    let ratio = 0;
    for (const { basis } of this.#plan?.rules.values() ?? [])
      ratio = Math.max(ratio, (basis.observed?.bindings.size ?? 0) / basis.targetsMax);
    return ratio;
  }

  expectedMs(write: TargetWrite): number {
    return this.#pace.expectedMs(write);
  }

  beginWrite(write: TargetWrite): void {
    const now = this.#now();
    this.#state = beginWrite(this.#state, write, now);
    this.#state = { ...this.#state, memory: chargeWrite(this.#state.memory, write, this.#options.limits.brake, now) };
    this.#pace.hasBegun(write, now);
  }

  endWrite(write: TargetWrite, result: WriteResult): void {
    this.#state = endWrite(this.#state, write, result);
  }

  hasSucceeded(write: TargetWrite, durationMs: number): void {
    this.#pace.hasSucceeded(write, durationMs);
  }

  triesOf(operation: TargetOperation): number {
    return triesOf(this.#state, operation);
  }

  /** How many targets CLB holds at a place, those included that are being registered. */
  boundAt(place: TargetsPlace): number {
    const key = placeKey(place);
    let count = this.#state.observation.places.get(key)?.bindings.size ?? 0;
    for (const { key: target, operation } of this.#state.transactions.values()) {
      if (operation !== 'register' || !target.startsWith(`${key}|`)) continue;
      if (!bindingAt(this.#state.observation, target)) count += 1;
    }
    return count;
  }

  // --- reads

  takeRead(read: LaneRead): LaneNews {
    const before = this.#state;
    const strayed = [...this.#strays.podUids(this.#strayFacts())];
    const { list } = read;
    const listed = list ? mergeListeners(before, this.#sameListeners(list.listeners), list.startedAt) : before;
    const after = mergeBindings(listed, {
      ...read,
      listenerIds: [...read.listenerIds, ...this.#goneListenerIds(list)],
    });
    this.#state = after;
    const found = differencesBetween(before, after, this.#options.cluster);
    const differences = found.filter(({ kind, key }) => kind !== 'foreign' || this.#isOurPlace(key));
    this.#tellRefusals(read, found);
    this.replan();
    const listeners = !before.observed || after.listeners !== before.listeners;
    return {
      change: { podUids: this.#touched(strayed), listeners },
      differences,
      unshown: unshownSuccesses(before, after).flatMap(({ transaction, tries }) =>
        tries === UNSHOWN_TOLD ? this.#failedTarget(transaction) : [],
      ),
    };
  }

  /** @param strayed Pods with targets off all rules before: a read may have shown them gone */
  #touched(strayed: readonly string[]): ReadonlySet<string> {
    const touched = this.#plan?.touched ?? NOBODY;
    return strayed.length === 0 ? touched : new Set([...touched, ...strayed]);
  }

  takeHealth(read: Parameters<typeof mergeHealth>[1]): ObservedChange {
    const before = this.#state.observation;
    this.#state = mergeHealth(this.#state, read);
    if (changedPlaces(before, this.#state.observation).size === 0) return { podUids: NOBODY, listeners: false };
    this.replan();
    return { podUids: this.#plan?.touched ?? NOBODY, listeners: false };
  }

  /** Known listeners of which health tells something else than their bindings: those are to be read. */
  disputedListeners(): ReadonlySet<string> {
    const { disputes, readAt, listeners } = this.#state;
    const disputed = disputedListeners(disputes, readAt);
    return disputed.size === 0 ? disputed : new Set(listeners.map(({ id }) => id).filter(id => disputed.has(id)));
  }

  /** Listeners that had bindings or changes and are not on the list: what is on them went with them. */
  #goneListenerIds(list: ListenerList | undefined): Set<string> {
    if (!list) return new Set();
    const present = new Set(list.listeners.map(listener => listener.id));
    const keys = [...this.#state.observation.places.keys(), ...this.#state.transactions.keys()];
    return new Set(keys.map(key => key.slice(0, key.indexOf('|'))).filter(id => !present.has(id)));
  }

  /** Keeps the known object where nothing changed, so that who compares by reference sees it. */
  #sameListeners(listeners: readonly Listener[]): readonly Listener[] {
    return isDeepStrictEqual(this.#state.listeners, listeners) ? this.#state.listeners : listeners;
  }

  /** Whether a target without our mark has no business there: on an adopted listener foreign ones stay. */
  #isOurPlace(key: string): boolean {
    const rule = this.#rules.at(key);
    return rule !== undefined && !rule.isAdopted;
  }

  #failedTarget({ key, podUid }: Transaction): FailedTarget[] {
    const rule = this.#plan?.rules.get(this.#rules.at(key)?.id ?? '')?.state;
    const target = rule?.targets.find(candidate => candidate.key === key);
    return rule && target ? [{ ruleId: rule.rule.id, podUid, place: target.place }] : [];
  }

  #tellRefusals(read: LaneRead, differences: readonly Difference[]): void {
    const present = read.list && new Set(read.list.listeners.map(listener => listener.id));
    const covered = new Set(read.listenerIds);
    this.refusals.wasRead(id => covered.has(id) || present?.has(id) === false, read.startedAt);
    const changed = new Set(differences.map(({ key }) => key));
    if (changed.size > 0) this.refusals.reconsider(({ key }) => changed.has(key), this.#now());
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function holdingOf({ protocol, isPaused }: PlacedRule, port: number, weight: number): Holding {
  return { port, protocol, weight, ...(isPaused && { isPaused }) };
}
