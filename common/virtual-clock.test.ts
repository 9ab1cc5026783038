import { expect, test } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

test('who sets a timer for the rest of a wait comes to its end, however little is left', async () => {
  const clock = new VirtualClock();
  const end = 138_260.767_281_534_56;
  await clock.advance(end - 1.5e-11);
  let fired = 0;
  const look = () => {
    fired += 1;
    if (clock.now() < end && fired < 100) clock.schedule(1e-12, look);
  };
  clock.schedule(1e-12, look);
  await clock.advance(1);
  expect(fired).toBeLessThan(10);
});

test('timers of one instant fire in the order they were set, with all that follows from one before the next', async () => {
  const clock = new VirtualClock();
  const told: string[] = [];
  for (const name of ['a', 'b']) {
    clock.schedule(10, () => {
      told.push(name);
      void Promise.resolve()
        .then(() => undefined)
        .then(() => told.push(`${name}, later`));
    });
  }
  await clock.advance(10);
  expect(told).toEqual(['a', 'a, later', 'b', 'b, later']);
});

test('time that stands still ends with an error, and does not go on for ever', async () => {
  const clock = new VirtualClock();
  const again = () => void clock.schedule(0, again);
  again();
  await expect(clock.advance(10)).rejects.toThrow('virtual time stands still at 0 ms');
});
