/**
 * By then a leader that died unheard has been followed: its lease of 10 s and a try of 1 s by a clock as slow as any, and the
 * next one's first read and write.
 */
const FOLLOWED_MS = 14_000;

/** And CLB may refuse the next one's first writes, for want of its rate or since it is busy. */
const REFUSED_MS = 4_000;

/** When the leader died that nobody may have been able to act in place of yet; undefined: there is none. */
export function unfollowedDeath(deaths: readonly number[], at: number): number | undefined {
  return deaths.findLast(death => death <= at && at <= death + FOLLOWED_MS + REFUSED_MS);
}

/**
 * Whether leaders who died one after another, each before the one before it was followed, have left nobody to act for longer
 * than one change of leader takes. The death of one leader alone excuses nothing.
 * @param deaths when a leader died, in order
 */
export function isLeaderless(deaths: readonly number[], at: number): boolean {
  let since = at;
  for (const death of deaths.toReversed()) if (death <= since && since <= death + FOLLOWED_MS) since = death;
  return at - since > FOLLOWED_MS;
}
