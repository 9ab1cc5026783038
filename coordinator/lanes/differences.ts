import type { BindingPlace } from '../core/binding-key.ts';
import { parseMark } from '../core/mark.ts';
import { changedPlaces, type ObservedBinding } from '../core/observation.ts';
import type { LaneState } from './lane-state.ts';

/** Something that a read shows and that no write of ours explains. */
export interface Difference {
  /**
   * `missing`: a target of ours is bound no more. `extra`: one with our mark is bound that was not. `weight`: one of ours
   * has another weight. `foreign`: a target without our mark came into a place that was free or ours.
   */
  readonly kind: 'missing' | 'extra' | 'weight' | 'foreign';
  readonly key: string;
  readonly place: BindingPlace;
  /** The Pod that the mark names; of a foreign target, the one whose place it took. */
  readonly podUid: string | undefined;
}

/** How a load balancer differs, after a read, from what was believed. What is changing by our hand is left out. */
export function differencesBetween(before: LaneState, after: LaneState, cluster: string): Difference[] {
  if (!before.observed) return [];
  const found: Difference[] = [];
  for (const placeKey of changedPlaces(before.observation, after.observation)) {
    const old = before.observation.places.get(placeKey)?.bindings ?? new Map<string, ObservedBinding>();
    const read = after.observation.places.get(placeKey)?.bindings ?? new Map<string, ObservedBinding>();
    if (old === read) continue;
    for (const key of new Set([...old.keys(), ...read.keys()])) {
      if (before.transactions.has(key)) continue;
      const difference = differenceAt(key, old.get(key), read.get(key), cluster);
      if (difference) found.push(difference);
    }
  }
  return found;
}

function differenceAt(
  key: string,
  old: ObservedBinding | undefined,
  read: ObservedBinding | undefined,
  cluster: string,
): Difference | undefined {
  const oldMark = old && parseMark(old.tag, cluster);
  const mark = read && parseMark(read.tag, cluster);
  const place = read ?? old;
  if (!place) return undefined;
  const difference = (kind: Difference['kind']) => ({ kind, key, place, podUid: (mark ?? oldMark)?.podUid });
  if (!read) return oldMark ? difference('missing') : undefined;
  if (!mark) return old && !oldMark ? undefined : difference('foreign');
  if (!oldMark || oldMark.podUid !== mark.podUid) return difference('extra');
  return old.weight === read.weight ? undefined : difference('weight');
}

/** A change of ours may show late; what changes so soon after it is not taken for another's work. */
const OWN_ECHO_MS = 30_000;

/** What tells a change by somebody else from the echo of one of ours. */
export interface OwnDoing {
  readonly changedAt: LaneState['changedAt'];
  readonly isAlive: (podUid: string) => boolean;
  readonly now: number;
}

/** Whether only another writer can have made the difference (law L6). */
export function isByAnother({ kind, key, podUid }: Difference, { changedAt, isAlive, now }: OwnDoing): boolean {
  if (now - (changedAt.get(key) ?? Number.NEGATIVE_INFINITY) < OWN_ECHO_MS) return false;
  switch (kind) {
    case 'foreign':
    case 'weight':
      return true;
    case 'missing':
      // CLB itself unbinds machines that are released, and with them their Pods.
      return podUid !== undefined && isAlive(podUid);
    case 'extra':
      return false;
  }
}
