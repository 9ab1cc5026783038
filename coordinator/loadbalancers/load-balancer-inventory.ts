import { isDeepStrictEqual } from 'node:util';
import { backoffBoundMs } from '../../common/backoff.ts';
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { Cloud, CloudError, CloudResult, LoadBalancer } from '../cloud/types.ts';
import { GatheringSchedule } from './gathering-schedule.ts';
import { clusterTags, serviceOf, serviceTags } from './ownership-tags.ts';

/** What is known of one load balancer. */
export type Look =
  /** `error`: why the last look failed. */
  | { readonly kind: 'unknown'; readonly error: CloudError | undefined }
  /** `hasRun`: it ran once, so that it may hold targets whatever state CLB gives it now. */
  | { readonly kind: 'found'; readonly loadBalancer: LoadBalancer; readonly hasRun: boolean }
  | { readonly kind: 'absent' };

/** What is known of the load balancers that were made for one Service. */
export interface TaggedLook {
  readonly ids: readonly string[];
  /** When the last look that succeeded was begun; undefined while none has. */
  readonly lookedAt: number | undefined;
  readonly error: CloudError | undefined;
}

/** Load balancers and Services about which something else is known than before. */
export interface InventoryChange {
  readonly ids: ReadonlySet<string>;
  readonly serviceUids: ReadonlySet<string>;
}

/** `to-come`: it was made a moment ago; `to-go`: it is being deleted, so the first read without it is believed. */
export type Expectation = 'nothing' | 'to-come' | 'to-go';

export interface LoadBalancerInventoryOptions {
  readonly cloud: Pick<Cloud, 'describeLoadBalancers'>;
  readonly clock: Clock;
  readonly cluster: string;
  readonly log: Logger;
  readonly onChange: (change: InventoryChange) => void;
}

/** Questions are gathered this long, so that a burst of them is few calls. */
const GATHER_MS = 5;
/** Every load balancer is looked at again this often: another address, or somebody deleted it. */
const REFRESH_MS = 60_000;
/** Looks that nobody waits for come in so many portions, so that they are calls of many ids and no burst of calls. */
const REFRESH_PORTIONS = 12;
const PORTION_MS = REFRESH_MS / REFRESH_PORTIONS;
/** What was there has to be missed for so long before it counts as gone: one read may be wrong. */
const ABSENCE_MS = 5_000;
const EXPECTED_POLL_MS = 1_000;
/** One that does not exist is looked for again this often. */
const ABSENT_POLL_MS = 30_000;
const RETRY = { initialMs: 1_000, maximumMs: 30_000 };
const READS_MAX = 8;
/** Of one call. */
const IDS_MAX = 20;
/** More Services than this are looked for in the list of all load balancers of the cluster. */
const SERVICE_LOOKS_MAX = 5;
const ALL = 'all';

const NEVER_LOOKED: TaggedLook = { ids: [], lookedAt: undefined, error: undefined };
const UNKNOWN: Look = { kind: 'unknown', error: undefined };

/**
 * What CLB says about the load balancers that are watched, by few calls: existing ones 20 ids a call, those that we made
 * by one paged list of the cluster's tag. Only reads.
 */
export class LoadBalancerInventory {
  readonly #options: LoadBalancerInventoryOptions;
  readonly #wakeup: Wakeup;
  readonly #looks = new Map<string, Look>();
  readonly #tagged = new Map<string, TaggedLook>();
  /** Found before and not in the last reads: since when. */
  readonly #missedSince = new Map<string, number>();
  readonly #expected = new Map<string, Exclude<Expectation, 'nothing'>>();
  readonly #idSchedule: GatheringSchedule;
  /** By UID, and `ALL`. */
  readonly #serviceSchedule: GatheringSchedule;
  /** By id, by UID, and `ALL`. */
  readonly #failures = new Map<string, number>();
  #reading = 0;

  constructor(options: LoadBalancerInventoryOptions) {
    this.#options = options;
    const { clock } = options;
    this.#wakeup = new Wakeup(clock);
    const schedule = { clock, gatherMs: GATHER_MS, onDue: () => this.#wakeup.wake() };
    this.#idSchedule = new GatheringSchedule(schedule);
    this.#serviceSchedule = new GatheringSchedule(schedule);
  }

  look(id: string): Look {
    return this.#looks.get(id) ?? UNKNOWN;
  }

  tagged(serviceUid: string): TaggedLook {
    return this.#tagged.get(serviceUid) ?? NEVER_LOOKED;
  }

  /** The load balancer is looked at now, unless something is known of it already, and every minute from now on. */
  watch(id: string): void {
    if (this.#looks.has(id)) {
      if (!this.#idSchedule.isSet(id)) this.#refreshLater(id);
      return;
    }
    this.#looks.set(id, UNKNOWN);
    this.lookSoon(id);
  }

  unwatch(id: string): void {
    this.#looks.delete(id);
    this.#missedSince.delete(id);
    this.#expected.delete(id);
    this.#failures.delete(id);
    this.#idSchedule.forget(id);
  }

  /** What was made for the Service is looked for now, and every minute from now on. */
  watchService(serviceUid: string): void {
    if (this.#tagged.has(serviceUid)) return;
    if (this.#tagged.size === 0) this.#serviceSchedule.set(ALL, REFRESH_MS);
    this.#tagged.set(serviceUid, NEVER_LOOKED);
    this.lookSoonFor(serviceUid);
  }

  unwatchService(serviceUid: string): void {
    this.#tagged.delete(serviceUid);
    this.#failures.delete(serviceUid);
    this.#serviceSchedule.forget(serviceUid);
    if (this.#tagged.size === 0) this.#serviceSchedule.forget(ALL);
  }

  /** Looks at the load balancer after so long. */
  lookSoon(id: string, delayMs = 0): void {
    this.#idSchedule.set(id, delayMs);
  }

  /** Looks for what was made for the Service after so long. */
  lookSoonFor(serviceUid: string, delayMs = 0): void {
    this.#serviceSchedule.set(serviceUid, delayMs);
  }

  /** What is expected is looked for every second. */
  expect(id: string, what: Expectation): void {
    if ((this.#expected.get(id) ?? 'nothing') === what) return;
    if (what === 'nothing') this.#expected.delete(id);
    else this.#expected.set(id, what);
    // The first look comes at once, and what follows it after this.
    if (this.look(id).kind !== 'unknown') this.lookSoon(id, what === 'nothing' ? REFRESH_MS : EXPECTED_POLL_MS);
  }

  /** Looks until `signal` aborts, and resolves when the reads in flight have ended. */
  async run(signal: AbortSignal): Promise<void> {
    const reads = new Set<Promise<void>>();
    while (!signal.aborted) {
      for (let read = this.#nextRead(); read; read = this.#nextRead()) {
        this.#reading += 1;
        // A read that the stop cuts short rejects: the next leader looks again.
        const ended = (error: unknown) => {
          if (!signal.aborted) throw error;
        };
        const reading = read(signal)
          .catch(ended)
          .finally(() => {
            this.#reading -= 1;
            reads.delete(reading);
            this.#wakeup.wake();
          });
        reads.add(reading);
      }
      await this.#wakeup.wait(signal);
    }
    this.#idSchedule.stop();
    this.#serviceSchedule.stop();
    await Promise.all(reads);
  }

  /** Takes from what is due as much as one question can ask. */
  #nextRead(): ((signal: AbortSignal) => Promise<void>) | undefined {
    if (this.#reading >= READS_MAX) return undefined;
    const services = this.#serviceSchedule.due;
    if (services.has(ALL) || services.size > SERVICE_LOOKS_MAX) {
      services.clear();
      return signal => this.#readAll(signal);
    }
    for (const serviceUid of services) {
      services.delete(serviceUid);
      return signal => this.#readService(serviceUid, signal);
    }
    const { due } = this.#idSchedule;
    const ids = due.values().take(IDS_MAX).toArray();
    for (const id of ids) due.delete(id);
    return ids.length > 0 ? signal => this.#readIds(ids, signal) : undefined;
  }

  /** Each id has its own portion of the minute, so that ids stay together whenever they were first looked at. */
  #refreshLater(id: string): void {
    if (this.#expected.has(id)) {
      this.lookSoon(id, EXPECTED_POLL_MS);
      return;
    }
    if (this.look(id).kind === 'absent') {
      this.lookSoon(id, ABSENT_POLL_MS);
      return;
    }
    const portion = [...id].reduce((sum, character) => sum + character.charCodeAt(0), 0) % REFRESH_PORTIONS;
    const waitMs = (((portion * PORTION_MS - this.#options.clock.now()) % REFRESH_MS) + REFRESH_MS) % REFRESH_MS;
    // What was made by us is in the list that comes every minute: its own look is due only if that does not come.
    if (this.#isListed(id)) this.#idSchedule.set(id, waitMs + 2 * REFRESH_MS);
    else this.#idSchedule.set(id, waitMs < PORTION_MS ? waitMs + REFRESH_MS : waitMs);
  }

  #isListed(id: string): boolean {
    const look = this.look(id);
    const serviceUid = look.kind === 'found' ? serviceOf(look.loadBalancer) : undefined;
    return serviceUid !== undefined && this.tagged(serviceUid).ids.includes(id);
  }

  // --- looking

  async #readIds(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const result = await this.#options.cloud.describeLoadBalancers({ ids }, signal);
    if (signal.aborted) return;
    const watched = ids.filter(id => this.#looks.has(id));
    const change = new Change();
    if (!result.ok) {
      for (const id of watched) this.#lookFailed(id, result.error, change);
      this.#tell(change, result);
      return;
    }
    const found = new Map(result.value.map(each => [each.id, each]));
    for (const id of watched) {
      this.#failures.delete(id);
      this.#refreshLater(id);
      // Last, for what is missed is looked for sooner.
      this.#learn(id, found.get(id), change);
    }
    this.#tell(change, result);
  }

  async #readService(serviceUid: string, signal: AbortSignal): Promise<void> {
    const startedAt = this.#options.clock.now();
    const tags = serviceTags(this.#options.cluster, serviceUid);
    const result = await this.#options.cloud.describeLoadBalancers({ tags }, signal);
    if (signal.aborted || !this.#tagged.has(serviceUid)) return;
    const change = new Change();
    // Whoever asked waits for the look itself, too.
    change.serviceUids.add(serviceUid);
    if (result.ok) this.#learnTagged(serviceUid, { found: result.value, startedAt }, change);
    else {
      this.#serviceSchedule.set(serviceUid, this.#retryMs(serviceUid));
      this.#serviceLookFailed(serviceUid, result.error, change);
    }
    this.#tell(change, result);
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    const startedAt = this.#options.clock.now();
    const tags = clusterTags(this.#options.cluster);
    const result = await this.#options.cloud.describeLoadBalancers({ tags }, signal);
    if (signal.aborted) return;
    const change = new Change();
    if (result.ok) {
      this.#failures.delete(ALL);
      this.#serviceSchedule.set(ALL, REFRESH_MS);
      const byService = Map.groupBy(result.value, each => serviceOf(each));
      for (const uid of this.#tagged.keys()) {
        this.#learnTagged(uid, { found: byService.get(uid) ?? [], startedAt }, change);
      }
    } else {
      this.#serviceSchedule.set(ALL, this.#retryMs(ALL));
      for (const uid of this.#tagged.keys()) this.#serviceLookFailed(uid, result.error, change);
    }
    this.#tell(change, result);
  }

  // --- what was learnt

  #learnTagged(serviceUid: string, read: { found: readonly LoadBalancer[]; startedAt: number }, change: Change): void {
    const before = this.tagged(serviceUid);
    const ids = read.found.map(each => each.id).toSorted();
    this.#failures.delete(serviceUid);
    this.#tagged.set(serviceUid, { ids, lookedAt: read.startedAt, error: undefined });
    for (const each of read.found) {
      if (!this.#looks.has(each.id)) this.#looks.set(each.id, UNKNOWN);
      this.#learn(each.id, each, change);
      this.#refreshLater(each.id);
    }
    for (const id of before.ids) if (!ids.includes(id) && this.#looks.has(id)) this.lookSoon(id);
    if (before.lookedAt === undefined || !isDeepStrictEqual(before.ids, ids)) change.serviceUids.add(serviceUid);
  }

  #learn(id: string, loadBalancer: LoadBalancer | undefined, change: Change): void {
    const before = this.look(id);
    const next = loadBalancer ? this.#present(loadBalancer, before) : this.#missing(id, before);
    if (loadBalancer) this.#missedSince.delete(id);
    if (isDeepStrictEqual(before, next)) return;
    this.#looks.set(id, next);
    change.ids.add(id);
  }

  #present(loadBalancer: LoadBalancer, before: Look): Look {
    const hasRun = loadBalancer.running || (before.kind === 'found' && before.hasRun);
    return { kind: 'found', loadBalancer, hasRun };
  }

  #missing(id: string, before: Look): Look {
    if (before.kind !== 'found' || this.#expected.get(id) === 'to-go') return { kind: 'absent' };
    const now = this.#options.clock.now();
    const since = this.#missedSince.get(id) ?? now;
    this.#missedSince.set(id, since);
    if (now - since >= ABSENCE_MS) return { kind: 'absent' };
    this.lookSoon(id, EXPECTED_POLL_MS);
    return before;
  }

  // --- failures

  #retryMs(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    return backoffBoundMs(failures - 1, RETRY);
  }

  /** What was known before stays known: no load balancer goes because a read failed (law L1). */
  #lookFailed(id: string, error: CloudError, change: Change): void {
    this.#idSchedule.set(id, this.#retryMs(id));
    if (this.look(id).kind !== 'unknown') return;
    this.#looks.set(id, { kind: 'unknown', error });
    change.ids.add(id);
  }

  #serviceLookFailed(serviceUid: string, error: CloudError, change: Change): void {
    const before = this.tagged(serviceUid);
    this.#tagged.set(serviceUid, { ...before, error });
    if (before.lookedAt === undefined) change.serviceUids.add(serviceUid);
  }

  #tell(change: Change, result: CloudResult<unknown>): void {
    if (!result.ok) {
      const { code, message } = result.error;
      this.#options.log.warn('a look at load balancers failed, will try again', { code, message });
    }
    if (change.ids.size > 0 || change.serviceUids.size > 0) this.#options.onChange(change);
  }
}

class Change implements InventoryChange {
  readonly ids = new Set<string>();
  readonly serviceUids = new Set<string>();
}
