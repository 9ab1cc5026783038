import { expect, test } from 'vitest';
import { shrink } from './shrink.ts';

const HUNDRED = Array.from({ length: 100 }, (_, index) => index + 1);

test('what fails together is found, and nothing else is kept', async () => {
  const fails = async (part: readonly number[]) => part.includes(17) && part.includes(83);
  expect(await shrink(HUNDRED, fails, 1_000)).toEqual([17, 83]);
});

test('what fails whatever happens needs nothing', async () => {
  expect(await shrink(HUNDRED, async () => true, 1_000)).toEqual([]);
});

test('it asks no more often than it may, and then keeps what it has', async () => {
  let asked = 0;
  const kept = await shrink(
    HUNDRED,
    async part => {
      asked += 1;
      return part.includes(17);
    },
    5,
  );
  expect(asked).toBe(5);
  expect(kept).toContain(17);
});
