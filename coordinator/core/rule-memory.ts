import type { ClusterView } from './cluster-view.ts';
import { isWeighted } from './floor.ts';
import { hasEnded } from './lasting-facts.ts';
import type { BoundTarget, RuleState, RuleTarget } from './rule-state.ts';
import type { TargetOperation } from './target-operation.ts';

/** What planning remembers of one rule from plan to plan; a new leader starts without. */
export interface RuleMemory {
  /** What each target calls for, and since when; for aging. By key. */
  readonly wantedSince: ReadonlyMap<string, Wanted>;
  readonly leaving: LeavingTargets;
  /**
   * Bound targets that may have connections though their Pods are gone: they were open when their Pods had ended, and who
   * inherits the address has them; or their Pods were deleted by force, and nobody saw their containers end. So may, for
   * all a new leader knows, what it finds closed: it may have been open when its Pod ended, or its kubelet may have started
   * the Pod again and be cut off since.
   */
  readonly exposed: LeavingTargets;
  /** Bound targets, since they were first read back at weight 0 while their Pods lived. By key. */
  readonly closed: ReadonlyMap<string, number>;
  /**
   * How many targets had weight when the switch that is under way began: what new ones keep at that level may go
   * unbraked. Undefined while nothing is switched.
   */
  readonly capacity: number | undefined;
}

export interface Wanted {
  readonly kind: TargetOperation['kind'];
  readonly since: number;
}

/**
 * Bound targets of living Pods that are to leave, by key: no longer selected, closed by the user, on a node whose end is
 * announced, or giving place.
 */
export type LeavingTargets = ReadonlyMap<string, Leaving>;

export interface Leaving {
  /** When it was first seen. */
  readonly since: number;
  /** When it was first read back at weight 0: its connections end from then on. */
  readonly closedSince: number | undefined;
}

export const EMPTY_RULE_MEMORY: RuleMemory = {
  wantedSince: new Map(),
  leaving: new Map(),
  exposed: new Map(),
  closed: new Map(),
  capacity: undefined,
};

export function trackLeaving(
  state: RuleState,
  known: LeavingTargets,
  { givesPlace, now }: { givesPlace: string | undefined; now: number },
): LeavingTargets {
  const leaving = new Map<string, Leaving>();
  for (const target of state.targets) {
    const { key, bound } = target;
    if (!bound || !(isUnwanted(target) || (bound.owner && key === givesPlace))) continue;
    leaving.set(key, leavingSince(bound, known.get(key), now));
  }
  return leaving;
}

export function trackExposed(
  { targets }: RuleState,
  known: Pick<RuleMemory, 'exposed' | 'closed'>,
  { view, now }: { readonly view: Pick<ClusterView, 'tombstone'>; readonly now: number },
): LeavingTargets {
  const exposed = new Map<string, Leaving>();
  for (const { key, bound } of targets) {
    if (!bound?.mark || isOfLiving(bound)) continue;
    const closedInTime = known.closed.get(key);
    const mayRun = !bound.owner && view.tombstone(bound.mark.podUid)?.sawEnd === false;
    // Since when, a new leader does not know, nor whether it was open when its Pod ended.
    const closedSince = mayRun || closedInTime === undefined ? (closedInTime ?? now) : undefined;
    const before = known.exposed.get(key) ?? (closedSince === undefined ? undefined : { since: now, closedSince });
    if (bound.weight === 0 && !before) continue;
    exposed.set(key, leavingSince(bound, before, now));
  }
  return exposed;
}

export function trackClosed({ targets }: RuleState, known: RuleMemory['closed'], now: number): RuleMemory['closed'] {
  const closed = new Map<string, number>();
  for (const { key, bound } of targets) {
    const since = known.get(key);
    if (bound?.weight === 0 && (isOfLiving(bound) || since !== undefined)) closed.set(key, since ?? now);
  }
  return closed;
}

function isOfLiving({ mark, owner }: BoundTarget): boolean {
  return mark !== undefined && owner !== undefined && !hasEnded(owner.record);
}

function leavingSince({ weight }: BoundTarget, known: Leaving | undefined, now: number): Leaving {
  const { since = now, closedSince = now } = known ?? {};
  return { since, closedSince: weight === 0 ? closedSince : undefined };
}

export function trackCapacity(state: RuleState, known: RuleMemory): number | undefined {
  const switching = state.targets.filter(target => isUnwanted(target) && target.bound?.weight !== 0);
  if (switching.length === 0) return undefined;
  const isKnown = switching.every(target => hadWeight(known.leaving.get(target.key)));
  if (isKnown && known.capacity !== undefined) return known.capacity;
  // What joins the switch later must not profit from what was there before.
  return Math.max(known.capacity ?? 0, state.targets.filter(isWeighted).length);
}

function hadWeight(leaving: Leaving | undefined): boolean {
  return leaving !== undefined && leaving.closedSince === undefined;
}

export function trackWanted(
  operations: readonly TargetOperation[],
  known: RuleMemory['wantedSince'],
  now: number,
): RuleMemory['wantedSince'] {
  const wanted = new Map<string, Wanted>();
  for (const { key, kind } of operations) {
    const before = known.get(key);
    wanted.set(key, before?.kind === kind ? before : { kind, since: now });
  }
  return wanted;
}

/**
 * The configuration says so, not the Pod: another selector, another port, or the user's weight 0. Or it is the node, whose
 * end is announced, from the announcement on.
 */
function isUnwanted({ bound, wanted }: RuleTarget): boolean {
  if (!bound?.owner) return false;
  if (wanted?.pod.record.uid !== bound.owner.record.uid) return true;
  const { disposition, pod } = wanted;
  if (bound.weight === 0) return false;
  if (disposition.kind === 'serve') return disposition.weight === 0 || pod.nodeSign !== undefined;
  return disposition.kind === 'drain' && disposition.evidence === 'node';
}
