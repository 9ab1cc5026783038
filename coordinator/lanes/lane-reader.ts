import { backoffBoundMs } from '../../common/backoff.ts';
import { Wakeup } from '../../common/wakeup.ts';
import { NOTHING_HAPPENED } from '../cloud/error-catalogue.ts';
import type { Binding, CallPriority, CloudError, CloudResult, Listener } from '../cloud/types.ts';
import { type Difference, isByAnother } from './differences.ts';
import { cloudErrorOf, loggedError } from './lane-errors.ts';
import type { LaneFacts, LaneNews, LaneRead, ListenerList } from './lane-facts.ts';
import type { FailedTarget, LaneOptions, ObservedChange } from './lane-options.ts';
import { doubtedListeners } from './lane-state.ts';
import type { ListenerQueue } from './listener-queue.ts';

const BACKOFF = { initialMs: 500, maximumMs: 5_000 };
/** When a read shows nothing of a success, CLB may have answered from before it: it is read again after this. */
const DOUBT_MS = 200;
/** How often lists are asked whether they show now what they may have lacked. */
const ABSENCE_POLL_MS = 5_000;
/** The last write of the leader before this one may still show. */
const PREDECESSOR_MS = 15_000;

/** Reads a load balancer: completely at the start, then what writes have touched, and nothing while nothing happens. */
export class LaneReader {
  readonly #options: LaneOptions;
  readonly #facts: LaneFacts;
  readonly #queue: ListenerQueue;
  /** Told after each read that was taken over. */
  readonly #onRead: () => void;
  readonly #wakeup: Wakeup;
  /** Listeners whose bindings are to be read, and how urgently. */
  readonly #unread = new Map<string, CallPriority>();
  #list: 'all' | 'changed' | 'known' = 'all';
  /** When what was doubted is read again. */
  #doubtAt: number | undefined;
  #observedAt = Number.POSITIVE_INFINITY;
  /** When the last read of everything began. */
  #lastCompleteAt = Number.NEGATIVE_INFINITY;

  constructor(parts: { options: LaneOptions; facts: LaneFacts; queue: ListenerQueue; onRead: () => void }) {
    this.#options = parts.options;
    this.#facts = parts.facts;
    this.#queue = parts.queue;
    this.#onRead = parts.onRead;
    this.#wakeup = new Wakeup(parts.options.clock);
  }

  get lastCompleteAt(): number {
    return this.#lastCompleteAt;
  }

  /** The bindings of these listeners may have changed. */
  readTargets(listenerIds: ReadonlySet<string>, priority: CallPriority): void {
    for (const id of listenerIds) if (this.#unread.get(id) !== 'urgent') this.#unread.set(id, priority);
    this.#wakeup.wake();
  }

  /** Whether CLB may still carry out the last write of the leader before. */
  isBehindPredecessor(): boolean {
    return this.#now() < this.#options.predecessorWritesUntil;
  }

  /** What is to be read, and when, may be otherwise than before. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** The list of listeners may have changed. */
  readListeners(): void {
    if (this.#list === 'known') this.#list = 'changed';
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    let failuresInRow = 0;
    while (!signal.aborted) {
      this.#recallDoubts();
      this.#recallPredecessor();
      if (this.#now() >= this.#absenceDueAt()) this.readListeners();
      if (this.#list === 'known' && this.#unread.size === 0) {
        const doubtAt = this.#doubtAt ?? Number.POSITIVE_INFINITY;
        const dueAt = Math.min(doubtAt, this.#uncertainUntil(), this.#absenceDueAt());
        await this.#wakeup.wait(signal, Number.isFinite(dueAt) ? dueAt - this.#now() : undefined);
        continue;
      }
      const error = await this.#readDue(signal);
      failuresInRow = error ? failuresInRow + 1 : 0;
      if (!error) continue;
      this.#report(error);
      const backoffMs = backoffBoundMs(failuresInRow - 1, BACKOFF);
      await new Wakeup(this.#options.clock).wait(signal, backoffMs);
    }
  }

  /** Takes over a read that somebody else made; undefined when it began before a change of listeners ended. */
  take(read: LaneRead & { readonly list: ListenerList }): LaneNews | undefined {
    const { observed, listedAt } = this.#facts.state;
    if (!observed || this.#queue.isChanging || read.list.startedAt < listedAt) return undefined;
    const news = this.#takeOver(read);
    this.#tellChange(news.change);
    return news;
  }

  #recallDoubts(): void {
    if (this.#doubtAt === undefined || this.#doubtAt > this.#now()) return;
    this.#doubtAt = undefined;
    for (const id of doubtedListeners(this.#facts.state)) this.#unread.set(id, this.#unread.get(id) ?? 'urgent');
    if (this.#queue.isChanging) this.readListeners();
  }

  /** Infinite once everything was read after the last write of the leader before. */
  #uncertainUntil(): number {
    const { predecessorWritesUntil } = this.#options;
    return this.#lastCompleteAt < predecessorWritesUntil ? predecessorWritesUntil : Number.POSITIVE_INFINITY;
  }

  #absenceDueAt(): number {
    const { demand, state } = this.#facts;
    return demand?.awaitsAbsence ? state.listedAt + ABSENCE_POLL_MS : Number.POSITIVE_INFINITY;
  }

  #recallPredecessor(): void {
    if (this.#now() >= this.#uncertainUntil()) this.#list = 'all';
  }

  async #readDue(signal: AbortSignal): Promise<CloudError | undefined> {
    const list = this.#list;
    const due = new Map(this.#unread);
    this.#list = 'known';
    this.#unread.clear();
    const error = list === 'known' ? await this.#readBindings(due, signal) : await this.#readAnew(list, due, signal);
    if (!error) return undefined;
    if (list === 'all') this.#list = 'all';
    else if (list === 'changed' || error.notFound) this.readListeners();
    for (const [id, priority] of due) this.#unread.set(id, priority);
    return error;
  }

  async #readBindings(due: ReadonlyMap<string, CallPriority>, signal: AbortSignal): Promise<CloudError | undefined> {
    const startedAt = this.#now();
    const listenerIds = [...due.keys()];
    const priority = [...due.values()].includes('urgent') ? 'urgent' : 'normal';
    const { cloud, loadBalancerId } = this.#options;
    const bindings = await cloud.describeTargets(loadBalancerId, listenerIds, signal, priority);
    if (!bindings.ok) return bindings.error;
    this.#tell(this.#takeOver({ list: undefined, listenerIds, startedAt, bindings: bindings.value }));
    return undefined;
  }

  /** The list of listeners, and the bindings of all, or of those that are new or due. */
  async #readAnew(
    list: 'all' | 'changed',
    due: ReadonlyMap<string, CallPriority>,
    signal: AbortSignal,
  ): Promise<CloudError | undefined> {
    const { cloud, loadBalancerId } = this.#options;
    const listedAt = this.#now();
    const listed = await cloud.describeListeners(loadBalancerId, signal);
    if (!listed.ok) return listed.error;
    const listeners = listed.value;
    const ids = listeners.filter(one => list === 'all' || due.has(one.id) || this.#isNew(one)).map(({ id }) => id);
    const startedAt = this.#now();
    const bindings = await this.#describeTargets(ids, signal);
    if (!bindings.ok) return bindings.error;
    if (list === 'all') this.#lastCompleteAt = listedAt;
    const isNews = list === 'all' || this.#queue.isChanging || this.#facts.demand?.awaitsAbsence === true;
    if (this.#queue.wasListed(listeners, listedAt)) this.#doubt();
    this.#reportGivenUp(this.#queue.takeGivenUp());
    const news = this.#takeOver({
      list: { listeners, startedAt: listedAt },
      listenerIds: ids,
      startedAt,
      bindings: bindings.value,
    });
    this.#tell({ ...news, change: { ...news.change, listeners: news.change.listeners || isNews } });
    return undefined;
  }

  async #describeTargets(listenerIds: readonly string[], signal: AbortSignal): Promise<CloudResult<Binding[]>> {
    const { cloud, loadBalancerId } = this.#options;
    if (listenerIds.length === 0) return { ok: true, value: [] };
    return cloud.describeTargets(loadBalancerId, listenerIds, signal);
  }

  #isNew({ id, forwardingRules }: Listener): boolean {
    const known = this.#facts.state.listeners.find(listener => listener.id === id);
    const locations = new Set(known?.forwardingRules.map(rule => rule.locationId));
    return !known || forwardingRules.some(rule => !locations.has(rule.locationId));
  }

  #takeOver(read: LaneRead): LaneNews {
    if (!this.#facts.state.observed) this.#observedAt = this.#now();
    if (read.list) this.#queue.made.wasListed(read.list.listeners, read.list.startedAt);
    const news = this.#facts.takeRead(read);
    if (doubtedListeners(this.#facts.state).size > 0) this.#doubt();
    this.#reportUnshown(news.unshown);
    this.#reportForeign(news.differences);
    return news;
  }

  #tell(news: LaneNews): void {
    if (news.differences.length > 0) this.#options.onDifference?.(news.differences);
    this.#tellChange(news.change);
  }

  #tellChange(change: ObservedChange): void {
    if (change.podUids.size > 0 || change.listeners) this.#options.onObserved(change);
    this.#onRead();
  }

  #doubt(): void {
    this.#doubtAt ??= this.#now() + DOUBT_MS;
  }

  #reportUnshown(targets: readonly FailedTarget[]): void {
    if (targets.length === 0) return;
    const addresses = targets.map(({ place }) => `${place.address}:${place.port}`).join(', ');
    const error = cloudErrorOf(NOTHING_HAPPENED, {
      action: 'DescribeTargets',
      message: `CLB reported success for ${addresses} again and again, but its reads show no change`,
    });
    this.#fail(error, targets);
  }

  #reportGivenUp(ruleIds: readonly string[]): void {
    if (ruleIds.length === 0) return;
    const { loadBalancerId, onFailure } = this.#options;
    const error = cloudErrorOf(NOTHING_HAPPENED, {
      action: 'DescribeListeners',
      message: 'CLB reported success for settings again and again, but its reads show no change; they are given up',
    });
    onFailure({ loadBalancerId, error, ruleIds, targets: [] });
  }

  #reportForeign(differences: readonly Difference[]): void {
    const now = this.#now();
    if (now - this.#observedAt < PREDECESSOR_MS) return;
    const { state, demand } = this.#facts;
    const isAlive = (podUid: string) => demand?.view.pods.get(podUid)?.deletionSeenAt === undefined;
    const foreign = differences.filter(one => isByAnother(one, { changedAt: state.changedAt, isAlive, now }));
    if (foreign.length > 0) this.#options.onForeign?.(foreign);
  }

  #report(error: CloudError): void {
    this.#options.log.warn('a read of the load balancer failed', loggedError(error));
    if (error.class === 'terminal') this.#fail(error, []);
  }

  #fail(error: CloudError, targets: readonly FailedTarget[]): void {
    const { loadBalancerId, onFailure } = this.#options;
    onFailure({ loadBalancerId, error, ruleIds: [...new Set(targets.map(({ ruleId }) => ruleId))], targets });
  }

  #now(): number {
    return this.#options.clock.now();
  }
}
