import { type Clock, sleep } from '../../common/clock.ts';

/** Waits until `count` tells at least `wanted`, and says how many there are. @throws Error when that takes too long */
export type SayingWait = (what: string, wanted: number, count: () => Promise<number> | number) => Promise<void>;

const PAUSE_MS = 200;
const TIMEOUT_MS = 15 * 60_000;

export function sayingWait(clock: Clock, say: (text: string) => void): SayingWait {
  const never = new AbortController().signal;
  return async (what, wanted, count) => {
    const endAtMs = clock.now() + TIMEOUT_MS;
    for (let found = await count(); found < wanted; found = await count()) {
      say(`${found} ${what}`);
      if (clock.now() > endAtMs) throw new Error(`waited ${TIMEOUT_MS / 60_000} minutes: ${found} ${what}`);
      await sleep(clock, PAUSE_MS, never);
    }
  };
}
