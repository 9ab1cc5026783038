/** Randomness as a parameter; the same seed gives the same sequence in every process. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

/** A seeded generator (mulberry32: 32 bits of state, good enough for jitter and simulation, never for secrets). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = state;
      mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}

/** The process's own randomness, for `main.ts` alone. */
export function systemRandom(): Random {
  return { next: () => Math.random() };
}

/** An integer in [low, high], both included. */
export function randomInteger(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1));
}

/** A version 4 UUID drawn from `random`. */
export function randomUuid(random: Random): string {
  const nibble = (digit: string) => {
    const value = Math.floor(random.next() * 16);
    return (digit === 'y' ? (value & 0x3) | 0x8 : value).toString(16);
  };
  return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, nibble);
}
