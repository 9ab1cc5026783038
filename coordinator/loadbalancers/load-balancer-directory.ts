import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import type { Cloud } from '../cloud/types.ts';
import type { WriteFence } from '../lanes/write-fence.ts';
import type { CoordinatorObserver } from '../observer.ts';
import { Creations } from './creations.ts';
import { Deletions } from './deletions.ts';
import { GatheringSchedule } from './gathering-schedule.ts';
import { type Holdings, holdingsOf } from './holdings.ts';
import { type InventoryChange, LoadBalancerInventory } from './load-balancer-inventory.ts';
import type { LoadBalancerState, PreviousLoadBalancer } from './load-balancer-state.ts';
import { isMadeFor } from './ownership-tags.ts';
import type { ServiceIntent } from './service-intent.ts';
import { VISIBLE_WITHIN_MS } from './visible-within.ts';

export interface LoadBalancerDirectoryOptions {
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly random: Random;
  readonly fence: WriteFence;
  readonly cluster: string;
  readonly vpcId: string;
  readonly log: Logger;
  readonly observer?: Pick<CoordinatorObserver, 'queue'>;
  /** What is answered about the Service is another than before; may be called from within `remove`. */
  readonly onChange: (serviceUid: string) => void;
}

interface Entry {
  readonly intent: ServiceIntent;
  readonly holdings: Holdings;
  /** All load balancers that the Service has to do with. */
  readonly ids: ReadonlySet<string>;
  /** Those of them that were made for it, and were seen. */
  readonly made: ReadonlySet<string>;
}

const NO_HOLDINGS: Holdings = { wanted: { kind: 'pending' }, wantedId: undefined, previous: [], mustCreate: false };

/**
 * Finds, makes and removes the load balancers of claimed Services. Only a leader runs one. What it costs grows with what
 * changes, but for a few reads a minute.
 */
export class LoadBalancerDirectory {
  readonly #options: LoadBalancerDirectoryOptions;
  readonly #inventory: LoadBalancerInventory;
  readonly #creations: Creations;
  readonly #deletions: Deletions;
  readonly #entries = new Map<string, Entry>();
  /** Services by the load balancers that they have to do with. */
  readonly #users = new Map<string, Set<string>>();
  /** Services that are to be looked at anew, by UID. */
  readonly #again: GatheringSchedule;

  constructor(options: LoadBalancerDirectoryOptions) {
    this.#options = options;
    const { clock } = options;
    this.#inventory = new LoadBalancerInventory({ ...options, onChange: change => this.#seen(change) });
    this.#creations = new Creations({ ...options, onChange: serviceUid => this.#renew(serviceUid) });
    this.#deletions = new Deletions({ ...options, onChange: id => this.#renewUsers(id) });
    this.#again = new GatheringSchedule({ clock, gatherMs: 0, onDue: () => this.#renewDue() });
  }

  /** The load balancer that the Service wants. */
  stateOf(serviceUid: string): LoadBalancerState {
    return (this.#entries.get(serviceUid)?.holdings ?? NO_HOLDINGS).wanted;
  }

  /** All others that may hold something of the Service; of one that leaves, all. */
  previousOf(serviceUid: string): readonly PreviousLoadBalancer[] {
    return (this.#entries.get(serviceUid)?.holdings ?? NO_HOLDINGS).previous;
  }

  /** The Service is as it says: its load balancers are looked for, and one is made if it wants that and has none. */
  ensure(intent: ServiceIntent): void {
    const { uid } = intent.service;
    const known = this.#entries.get(uid);
    this.#entries.set(uid, { ids: new Set(), made: new Set(), holdings: NO_HOLDINGS, ...known, intent });
    if (!known) {
      // The leader before may have made one a moment ago.
      if (intent.finalized && intent.loadBalancer.kind === 'created') this.#creations.mayHaveMade(uid);
      this.#inventory.watchService(uid);
    } else if (intent.leaving && !known.intent.leaving) this.#inventory.lookSoonFor(uid);
    this.#workOut(uid);
  }

  /** The Service is gone; nothing of it is touched any more. */
  forget(serviceUid: string): void {
    const entry = this.#entries.get(serviceUid);
    if (!entry) return;
    this.#entries.delete(serviceUid);
    this.#use(serviceUid, entry.ids, new Set());
    this.#creations.forget(serviceUid);
    this.#again.forget(serviceUid);
    this.#inventory.unwatchService(serviceUid);
  }

  /** Deletes what was made for the Service, is not wanted, and has nothing on it any more. Idempotent. */
  remove(serviceUid: string, loadBalancerId: string): void {
    const entry = this.#entries.get(serviceUid);
    const found = entry?.holdings.previous.find(({ id }) => id === loadBalancerId);
    if (!entry || found?.state.kind !== 'ready' || !found.isOurs || found.isShared) return;
    this.#deletions.begin(entry.intent.service, loadBalancerId);
  }

  /** For whom load balancers are to be made, and which ones are to go. */
  get intended(): { readonly creations: readonly ServiceIntent['service'][]; readonly deletions: readonly string[] } {
    return { creations: this.#creations.wanted, deletions: this.#deletions.underWay };
  }

  /** Something about the load balancer itself may be otherwise than it was read. */
  lookAgain(loadBalancerId: string): void {
    if (this.#users.has(loadBalancerId)) this.#inventory.lookSoon(loadBalancerId);
  }

  /** Works until `signal` aborts, and resolves when the calls in flight have ended. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#inventory.run(signal), this.#creations.run(signal), this.#deletions.run(signal)]);
    this.#again.stop();
  }

  #seen({ ids, serviceUids }: InventoryChange): void {
    const concerned = new Set(serviceUids);
    for (const id of ids) for (const uid of this.#users.get(id) ?? []) concerned.add(uid);
    for (const uid of concerned) this.#renew(uid);
  }

  #renewUsers(loadBalancerId: string): void {
    for (const uid of [...(this.#users.get(loadBalancerId) ?? [])]) this.#renew(uid);
  }

  #renewDue(): void {
    const uids = [...this.#again.due];
    this.#again.due.clear();
    for (const uid of uids) this.#renew(uid);
  }

  #renew(serviceUid: string): void {
    const before = this.#entries.get(serviceUid)?.holdings;
    this.#workOut(serviceUid);
    const after = this.#entries.get(serviceUid)?.holdings;
    if (!isDeepStrictEqual(before, after)) this.#options.onChange(serviceUid);
  }

  /** Derives what is answered about the Service, and begins what follows from it. */
  #workOut(serviceUid: string): void {
    const entry = this.#entries.get(serviceUid);
    if (!entry) return;
    const made = this.#settleCreation(entry);
    const { intent } = entry;
    const holdings = holdingsOf({
      intent,
      cluster: this.#options.cluster,
      look: id => this.#inventory.look(id),
      tagged: this.#inventory.tagged(serviceUid),
      creation: this.#creations.of(serviceUid),
      made,
      deletion: id => this.#deletions.of(id),
      isShared: id => this.#isShared(id, serviceUid),
      before: entry.holdings,
      now: this.#options.clock.now(),
    });
    const ids = new Set(holdings.previous.map(({ id }) => id));
    if (holdings.wantedId !== undefined) ids.add(holdings.wantedId);
    this.#entries.set(serviceUid, { intent, made, holdings, ids });
    this.#use(serviceUid, entry.ids, ids);
    this.#follow({ intent, made, holdings, ids });
  }

  /** @returns what was made for the Service and is still there; what has gone makes room for another one. */
  #settleCreation({ intent, ids, made }: Entry): ReadonlySet<string> {
    const { uid } = intent.service;
    const { clock, cluster } = this.#options;
    const present = new Set<string>();
    for (const id of ids) {
      const look = this.#inventory.look(id);
      if (look.kind === 'found' && isMadeFor(look.loadBalancer, cluster, uid)) present.add(id);
      if (look.kind === 'absent' && made.has(id)) this.#creations.gone(uid, id);
    }
    if (this.#inventory.tagged(uid).ids.length > 0) this.#creations.found(uid);
    const { answered } = this.#creations.of(uid);
    const isOverdue = answered && !present.has(answered.id) && clock.now() >= answered.at + VISIBLE_WITHIN_MS;
    if (isOverdue && this.#inventory.look(answered.id).kind === 'absent') this.#creations.gone(uid, answered.id);
    return present;
  }

  #isShared(loadBalancerId: string, serviceUid: string): boolean {
    const users = this.#users.get(loadBalancerId);
    return users !== undefined && users.size > (users.has(serviceUid) ? 1 : 0);
  }

  /** Keeps an eye on what Services have to do with, and tells those that share it. */
  #use(serviceUid: string, before: ReadonlySet<string>, after: ReadonlySet<string>): void {
    for (const id of [...after].filter(each => !before.has(each))) {
      const users = this.#users.get(id) ?? new Set();
      this.#users.set(id, users.add(serviceUid));
      this.#inventory.watch(id);
      this.#tellOthers(serviceUid, users);
    }
    for (const id of [...before].filter(each => !after.has(each))) {
      const users = this.#users.get(id);
      users?.delete(serviceUid);
      if (users && users.size > 0) {
        this.#tellOthers(serviceUid, users);
        continue;
      }
      this.#users.delete(id);
      this.#deletions.forget(id);
      this.#inventory.unwatch(id);
    }
  }

  /** Whether there are two or three makes no difference to any of them. */
  #tellOthers(serviceUid: string, users: ReadonlySet<string>): void {
    if (users.size > 2) return;
    for (const other of users) if (other !== serviceUid) this.#again.set(other, 0);
  }

  #follow({ intent, made, holdings, ids }: Entry): void {
    const { uid } = intent.service;
    const choice = intent.loadBalancer;
    if (holdings.mustCreate && !intent.isPaused && choice.kind === 'created') this.#creations.want(intent, choice);
    else this.#creations.drop(uid);
    const { answered, unansweredAt } = this.#creations.of(uid);
    const now = this.#options.clock.now();
    for (const id of ids) {
      const isMaking = holdings.wantedId === id && holdings.wanted.kind === 'creating';
      const isNew = answered?.id === id && !made.has(id);
      const isGoing = this.#deletions.of(id)?.kind === 'under-way';
      this.#inventory.expect(id, isGoing ? 'to-go' : isMaking || isNew ? 'to-come' : 'nothing');
      const overdueInMs = isNew ? answered.at + VISIBLE_WITHIN_MS - now : 0;
      if (overdueInMs > 0) this.#again.set(uid, overdueInMs);
    }
    const wasLookedFor = this.#inventory.tagged(uid).lookedAt !== undefined;
    const isHidden = intent.leaving && holdings.wanted.kind === 'pending' && wasLookedFor;
    if (isHidden && unansweredAt !== undefined)
      this.#inventory.lookSoonFor(uid, Math.max(0, unansweredAt + VISIBLE_WITHIN_MS - now));
  }
}
