import type { CloudError, Listener } from '../cloud/types.ts';
import type { Holding } from '../core/drain-progress.ts';
import type { LanePlan } from '../core/lane-plan.ts';
import type { TransactionTable } from '../core/observation.ts';
import type { RuleState } from '../core/rule-state.ts';
import { isSharedListenerKey } from '../loadbalancers/listener-work.ts';
import type { Difference } from './differences.ts';
import { LaneFacts, type LaneRead, type ListenerList } from './lane-facts.ts';
import type { LaneDemand, LaneOptions, PlacedTarget } from './lane-options.ts';
import { LaneReader } from './lane-reader.ts';
import type { mergeHealth } from './lane-state.ts';
import { LaneWriter } from './lane-writer.ts';
import { ListenerQueue } from './listener-queue.ts';
import { SettingsQueue } from './settings-queue.ts';

export type { LaneDemand, LaneFailure, LaneOptions, ObservedChange } from './lane-options.ts';
export { DEFAULT_LANE_TIMING } from './lane-options.ts';

/** How often the health of a lane's targets should be read. */
export type HealthNeed = 'none' | 'slow' | 'fast';

/**
 * All writes of one load balancer, one at a time (law L7): natural batches, the most urgent first, and a read after
 * every write before anything is believed (law L8). While nothing happens it holds no timer and asks nothing.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #facts: LaneFacts;
  readonly #queue = new ListenerQueue();
  readonly #settings = new SettingsQueue();
  readonly #reader: LaneReader;
  readonly #writer: LaneWriter;
  #healthNeed: HealthNeed = 'none';
  #onHealthNeed: () => void = () => undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#facts = new LaneFacts(options);
    const parts = { options, facts: this.#facts, queue: this.#queue };
    this.#reader = new LaneReader({ ...parts, onRead: () => this.#changed() });
    this.#writer = new LaneWriter({ ...parts, settings: this.#settings, reader: this.#reader });
  }

  get loadBalancerId(): string {
    return this.#options.loadBalancerId;
  }

  get listeners(): readonly Listener[] {
    return this.#facts.state.listeners;
  }

  /** False until this leader has read the load balancer completely: then nothing may be concluded from absence. */
  get observed(): boolean {
    return this.#facts.state.observed;
  }

  /**
   * Completely read since CLB has carried out whatever the leader before may have asked for: from then on nothing changes
   * but by our hand (law L7).
   */
  get isCertain(): boolean {
    return this.#reader.lastCompleteAt >= this.#options.predecessorWritesUntil;
  }

  /** Observed, and no change of listeners is under way or waits to be seen: what is not on the list is not there. */
  get isSettled(): boolean {
    return this.observed && !this.#queue.isChanging;
  }

  /**
   * Whether there may be listeners or forwarding rules of an object that the list lacks, since lists may tell of an earlier
   * time.
   * @param isInherited a leader before this one may have made something for it
   */
  mayHide({ ownerUid, isInherited }: { ownerUid: string; isInherited: boolean }): boolean {
    if (isInherited && this.#facts.state.listedAt < this.#options.predecessorShownAt) return true;
    return this.#queue.made.mayHide(id => id.startsWith(`${ownerUid}/`) || isSharedListenerKey(id));
  }

  get virtualAddresses(): readonly string[] {
    return this.#facts.demand?.virtualAddresses ?? [];
  }

  /** Worked out from the newest facts; undefined until the load balancer was read once. */
  get plan(): LanePlan | undefined {
    return this.#facts.plan;
  }

  /** What may be written and waits for its batch, and what law L2 keeps back. */
  get queue(): Pick<LanePlan, 'operations' | 'holds'> {
    return this.#facts.plan ?? { operations: [], holds: [] };
  }

  /** Changes of listeners and of the load balancer itself that were asked for last. */
  get demanded(): Required<Pick<LaneDemand, 'listenerWork' | 'settings'>> {
    const { listenerWork = [], settings = [] } = this.#facts.demand ?? {};
    return { listenerWork, settings };
  }

  /** Since when the oldest operation waits for its write; undefined when none does. */
  oldestWaitSince(): number | undefined {
    return this.#facts.oldestWaitSince();
  }

  /** Of the rule that is nearest to its quota of targets, the share of it that is used; 0 to 1. */
  fullestRuleRatio(): number {
    return this.#facts.fullestRuleRatio();
  }

  /** Rules and targets as they stand, and what is changing. */
  view(): { readonly states: readonly RuleState[]; readonly transactions: TransactionTable } {
    return { states: this.#facts.plan?.states ?? [], transactions: this.#facts.state.transactions };
  }

  /** Every target that is the Pod's, or is wanted for it. */
  targetsOf(podUid: string): readonly PlacedTarget[] {
    return this.#facts.targetsOf(podUid);
  }

  /** Every target of the Pod that CLB has, also where no rule wants one any more. */
  holdingsOf(podUid: string): readonly Holding[] {
    return this.#facts.holdingsOf(podUid);
  }

  /** Whether a change of one of the Pod's targets is under way or waits for its read. */
  hasTransactionOf(podUid: string): boolean {
    return this.#facts.hasTransactionOf(podUid);
  }

  isConcerned(podUid: string): boolean {
    return this.#facts.isConcerned(podUid);
  }

  /** The UIDs of all Pods for which `isConcerned` holds. */
  concernedPods(): ReadonlySet<string> {
    return this.#facts.concernedPods();
  }

  /** Namespaces of the Pods that we have bound, or are binding, at the listener. */
  namespacesBoundAt(listenerId: string, locationId?: string): ReadonlySet<string> {
    return this.#facts.namespacesBoundAt(listenerId, locationId);
  }

  /** The code with which CLB refuses the rule's listener, if it does. */
  refusalOf(ruleId: string): string | undefined {
    return this.#queue.refusalOf(ruleId);
  }

  /** Takes a new demand; `plan` follows from it at once. */
  update(demand: LaneDemand): void {
    const now = this.#options.clock.now();
    this.#queue.want(demand.listenerWork, now);
    this.#settings.want(demand.settings ?? [], now);
    this.#facts.want(demand);
    if (demand.awaitsAbsence) this.#reader.wake();
    this.#changed();
  }

  /** Changes `gateWaits` alone. */
  setGateWaits(gateWaits: boolean): void {
    this.#facts.setGateWaits(gateWaits);
    this.#changed();
  }

  /**
   * Facts about these Pods changed in the view that the lane has; `plan` follows at once. Costs little when the lane has
   * nothing to do with them.
   * @param ruleIds rules that select one of them and did not before
   */
  podsChanged(podUids: ReadonlySet<string>, ruleIds: ReadonlySet<string> = new Set()): void {
    if (this.#facts.podsChanged(podUids, ruleIds)) this.#changed();
  }

  /** Runs until `signal` aborts. A write that is under way is finished first. */
  async run(signal: AbortSignal): Promise<void> {
    const loops = [this.#reader.run(signal), this.#writer.run(signal)];
    // A read that the stop cuts short rejects; that ends its loop, and is no failure of the lane.
    const ended = (error: unknown) => {
      if (!signal.aborted) throw error;
    };
    await Promise.all(loops.map(loop => loop.catch(ended)));
  }

  // --- for who reads on behalf of many lanes

  get healthNeed(): HealthNeed {
    return this.#healthNeed;
  }

  /** Who reads health is told when more of it is needed than before. */
  watchHealthNeed(onHealthNeed: () => void): void {
    this.#onHealthNeed = onHealthNeed;
  }

  /** Health as CLB told it in a read that began at `startedAt`. */
  takeHealth(read: Parameters<typeof mergeHealth>[1]): void {
    const change = this.#facts.takeHealth(read);
    const disputed = this.#facts.disputedListeners();
    if (disputed.size > 0) this.#reader.readTargets(disputed, 'normal');
    if (change.podUids.size === 0) return;
    this.#options.onObserved(change);
    this.#changed();
  }

  /** A read on the lane's behalf failed. One that fails for good is told, since without reads nothing goes on. */
  readFailed(error: CloudError): void {
    if (error.class !== 'terminal' || error.notFound) return;
    this.#options.onFailure({ loadBalancerId: this.loadBalancerId, error, ruleIds: [], targets: [] });
  }

  /**
   * A complete read by somebody else. What differs from what the lane believed is taken over, and mended.
   * @returns undefined when the read says nothing, because the lane has changed listeners meanwhile
   */
  takeAudit(read: LaneRead & { readonly list: ListenerList }): readonly Difference[] | undefined {
    return this.#reader.take(read)?.differences;
  }

  #changed(): void {
    this.#writer.wake();
    const before = this.#healthNeed;
    this.#healthNeed = this.#needOfHealth();
    if (this.#healthNeed === before || this.#healthNeed === 'none') return;
    if (before === 'none' || this.#healthNeed === 'fast') this.#onHealthNeed();
  }

  #needOfHealth(): HealthNeed {
    if (!this.#facts.ownsTargets) return 'none';
    return this.#facts.demand?.gateWaits ? 'fast' : 'slow';
  }
}
