import { randomInt } from 'node:crypto';
import type { Random } from '../../../common/random.ts';

const STEPS = 2 ** 47;

/** Randomness that cannot be guessed, for a server whose tokens protect something: others on this machine can reach it. */
export function secureRandom(): Random {
  return { next: () => randomInt(STEPS) / STEPS };
}
