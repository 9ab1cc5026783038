import { createHash, timingSafeEqual } from 'node:crypto';

export interface TokenHolder {
  readonly podUid: string;
  readonly token: string;
}

/**
 * The Pod that a token stands for; undefined when there is none, or several, as where a template was given a token of its
 * own. How long it takes tells nothing about the tokens.
 */
export function holderOf(token: string, holders: readonly TokenHolder[]): string | undefined {
  const given = digest(token);
  const matching = holders.filter(holder => timingSafeEqual(digest(holder.token), given));
  return matching.length === 1 ? matching[0]?.podUid : undefined;
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
