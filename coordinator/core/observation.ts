import type { BindingPlace } from './binding-key.ts';

/** A binding as CLB reported it. */
export interface ObservedBinding extends BindingPlace {
  readonly weight: number;
  readonly tag: string;
}

export interface ObservedHealth {
  readonly health: 'healthy' | 'unhealthy' | 'unknown' | 'closed';
  readonly weight: number;
}

/** What CLB said of one listener, or of one forwarding rule on layer 7: both maps by binding key. */
export interface PlaceObservation {
  readonly listenerId: string;
  readonly bindings: ReadonlyMap<string, ObservedBinding>;
  readonly health: ReadonlyMap<string, ObservedHealth>;
}

/**
 * What CLB said of one load balancer. A place whose bindings and health a read found unchanged is the same object as
 * before: who compares by reference sees what changed.
 */
export interface Observation {
  /** By `placeKey`; places without bindings and health are left out. */
  readonly places: ReadonlyMap<string, PlaceObservation>;
  /** Start of the read behind the bindings, monotonic milliseconds. */
  readonly readStartedAt: number;
}

export const EMPTY_OBSERVATION: Observation = { places: new Map(), readStartedAt: Number.NEGATIVE_INFINITY };

/** Of what stands at one place: the first two parts of every binding key there. */
export function placeKey(place: Pick<BindingPlace, 'listenerId' | 'locationId'>): string {
  return `${place.listenerId}|${place.locationId}`;
}

/** The `placeKey` of a binding key. */
export function placeKeyOf(bindingKey: string): string {
  return bindingKey.slice(0, bindingKey.indexOf('|', bindingKey.indexOf('|') + 1));
}

export function bindingAt(observation: Observation, key: string): ObservedBinding | undefined {
  return observation.places.get(placeKeyOf(key))?.bindings.get(key);
}

export function healthAt(observation: Observation, key: string): ObservedHealth | undefined {
  return observation.places.get(placeKeyOf(key))?.health.get(key);
}

export function bindingsOf(observation: Observation): (readonly [string, ObservedBinding])[] {
  return [...observation.places.values()].flatMap(place => [...place.bindings]);
}

/** The place keys at which the two differ: a place that is the same object has not changed. */
export function changedPlaces(before: Observation, after: Observation): Set<string> {
  const changed = new Set<string>();
  for (const [key, place] of after.places) if (before.places.get(key) !== place) changed.add(key);
  for (const key of before.places.keys()) if (!after.places.has(key)) changed.add(key);
  return changed;
}

/** A change that was sent and not yet seen in a read that started after it ended (law L8). */
export interface Transaction {
  readonly key: string;
  readonly operation: 'register' | 'reweight' | 'deregister' | 'adopt';
  readonly podUid: string;
  /** After the change; meaningless for `deregister` and `adopt`. */
  readonly weight: number;
  /** The mark that an `adopt` gives. */
  readonly tag?: string;
  readonly startedAt: number;
  /** When the call ended, well or not; undefined while it is in flight. */
  readonly endedAt: number | undefined;
}

export type TransactionTable = ReadonlyMap<string, Transaction>;

/**
 * The observation after a read of `bindings` of some listeners, and the transactions that this read does not settle.
 * A read settles a transaction only if it started after the call had ended.
 */
export function settleTransactions(
  table: TransactionTable,
  read: { listenerIds: ReadonlySet<string>; startedAt: number },
): TransactionTable {
  const open = new Map<string, Transaction>();
  for (const [key, transaction] of table) {
    const covered = read.listenerIds.has(key.slice(0, key.indexOf('|')));
    const settled = covered && transaction.endedAt !== undefined && transaction.endedAt <= read.startedAt;
    if (!settled) open.set(key, transaction);
  }
  return open.size === table.size ? table : open;
}

/** Replaces the bindings of the read listeners, keeps the rest and all health. */
export function mergeRead(
  observation: Observation,
  read: {
    listenerIds: ReadonlySet<string>;
    startedAt: number;
    bindings: readonly (readonly [string, ObservedBinding])[];
  },
): Observation {
  const found = groupByPlace(read.bindings);
  const places = new Map<string, PlaceObservation>();
  for (const [key, place] of observation.places) {
    const bindings = read.listenerIds.has(place.listenerId) ? (found.get(key) ?? new Map()) : place.bindings;
    found.delete(key);
    setPlace(places, key, place, { ...place, bindings });
  }
  for (const [key, bindings] of found) {
    const place = { listenerId: key.slice(0, key.indexOf('|')), bindings, health: new Map() };
    setPlace(places, key, undefined, place);
  }
  return { places, readStartedAt: read.startedAt };
}

/** Replaces all health. */
export function mergeHealthRead(
  observation: Observation,
  health: Iterable<readonly [string, ObservedHealth]>,
): Observation {
  const found = groupByPlace(health);
  const places = new Map<string, PlaceObservation>();
  for (const [key, place] of observation.places) {
    setPlace(places, key, place, { ...place, health: found.get(key) ?? new Map() });
    found.delete(key);
  }
  for (const [key, values] of found) {
    const place = { listenerId: key.slice(0, key.indexOf('|')), bindings: new Map(), health: values };
    setPlace(places, key, undefined, place);
  }
  return { ...observation, places };
}

/** Forgets the health of these bindings. */
export function withoutHealth(observation: Observation, keys: Iterable<string>): Observation {
  const places = new Map(observation.places);
  for (const key of keys) {
    const place = places.get(placeKeyOf(key));
    if (!place?.health.has(key)) continue;
    const health = new Map(place.health);
    health.delete(key);
    places.set(placeKeyOf(key), { ...place, health });
  }
  return { ...observation, places };
}

function groupByPlace<T>(entries: Iterable<readonly [string, T]>): Map<string, Map<string, T>> {
  const groups = new Map<string, Map<string, T>>();
  for (const [key, value] of entries) {
    const place = placeKeyOf(key);
    const group = groups.get(place);
    if (group) group.set(key, value);
    else groups.set(place, new Map([[key, value]]));
  }
  return groups;
}

/** Keeps the known object where the read found nothing new, part by part. */
function setPlace(
  places: Map<string, PlaceObservation>,
  key: string,
  known: PlaceObservation | undefined,
  read: PlaceObservation,
): void {
  if (read.bindings.size === 0 && read.health.size === 0) return;
  const bindings = known && isSameMap(known.bindings, read.bindings, isSameBinding) ? known.bindings : read.bindings;
  const health = known && isSameMap(known.health, read.health, isSameHealth) ? known.health : read.health;
  const isSame = known?.bindings === bindings && known.health === health;
  places.set(key, isSame ? known : { listenerId: read.listenerId, bindings, health });
}

function isSameMap<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>, isSame: (a: T, b: T) => boolean): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, value] of b) {
    const other = a.get(key);
    if (other === undefined || !isSame(other, value)) return false;
  }
  return true;
}

function isSameBinding(a: ObservedBinding, b: ObservedBinding): boolean {
  return a.weight === b.weight && a.tag === b.tag && a.instanceId === b.instanceId;
}

function isSameHealth(a: ObservedHealth, b: ObservedHealth): boolean {
  return a.health === b.health && a.weight === b.weight;
}
