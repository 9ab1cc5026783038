import { type Random, randomInteger } from '../../common/random.ts';
import type { Misfortune } from './faults.ts';

/** What faults take out of a batch. */
export interface Spoils {
  /** Of these listeners, those that land in FailListenerIdSet, and of which nothing is done. */
  failing(listenerIds: readonly string[]): ReadonlySet<string>;
  /** Of these items, those that are really done; the others are answered as done. */
  kept<T>(items: readonly T[]): readonly T[];
}

const DEFAULT_SHARE = 0.5;

export function spoilsOf(misfortunes: readonly Misfortune[], random: Random): Spoils {
  return {
    failing(listenerIds) {
      const hits = misfortunes.filter(candidate => candidate.kind === 'fail-listeners');
      const failed = hits.flatMap(({ listenerIds: named, share }) =>
        named ? listenerIds.filter(id => named.includes(id)) : drawn(listenerIds, share, random),
      );
      return new Set(failed);
    },
    kept(items) {
      const hits = misfortunes.filter(candidate => candidate.kind === 'drop-targets');
      const dropped = new Set(hits.flatMap(({ share }) => drawn(items, share, random)));
      return dropped.size === 0 ? items : items.filter(item => !dropped.has(item));
    },
  };
}

/** A share of the items, at least one of them. */
function drawn<T>(items: readonly T[], share: number | undefined, random: Random): T[] {
  const left = [...items];
  const count = Math.max(1, Math.round(left.length * (share ?? DEFAULT_SHARE)));
  return Array.from({ length: Math.min(count, left.length) }, () => {
    return left.splice(randomInteger(random, 0, left.length - 1), 1);
  }).flat() as T[];
}
