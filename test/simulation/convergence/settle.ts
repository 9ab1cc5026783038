import type { World } from '../world.ts';

export interface Settled {
  /** Until nothing differed any more for good; undefined: it never was so. */
  readonly settledMs: number | undefined;
  /** What still differed when time was up. */
  readonly differences: readonly string[];
}

const LOOK_MS = 2_000;
/** What has settled must stay so. */
const STABLE_MS = 60_000;
/** Back-offs of refused targets and deletions, the auditor's round and the brake need this long together. */
const SETTLE_MAX_MS = 900_000;

/** Looks until nothing differs any more, and goes on to do so. */
export async function settle({ clock }: World, look: () => readonly string[]): Promise<Settled> {
  const from = clock.now();
  let equalSince: number | undefined;
  for (;;) {
    const differences = look();
    const now = clock.now();
    equalSince = differences.length > 0 ? undefined : (equalSince ?? now);
    if (equalSince !== undefined && now - equalSince >= STABLE_MS) return { settledMs: equalSince - from, differences };
    if (now - from > SETTLE_MAX_MS) return { settledMs: undefined, differences };
    await clock.advance(LOOK_MS);
  }
}
