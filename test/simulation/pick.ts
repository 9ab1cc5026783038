import { type Random, randomInteger } from '../../common/random.ts';

export function pick<T>(random: Random, choices: readonly T[]): T {
  const index = randomInteger(random, 0, choices.length - 1);
  if (choices.length === 0) throw new Error('nothing to choose from');
  return choices[index] as T;
}
