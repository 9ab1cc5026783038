import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ADDRESSES_MAX, chooseAddresses } from './choose-addresses.ts';

const addresses = (count: number) => Array.from({ length: count }, (_, index) => `10.9.0.${index}:9443`);

test('a name without address stands for none, and one that gives an address twice for one', () => {
  expect([...chooseAddresses([], ['10.9.0.1:9443'])]).toEqual([]);
  expect([...chooseAddresses(['10.9.0.1:9443', '10.9.0.1:9443'], [])]).toEqual(['10.9.0.1:9443']);
});

test('of too many, those that have a stream stay, in whatever order the name server gives them', () => {
  const many = addresses(40);
  const shuffled = fc.shuffledSubarray(many, { minLength: many.length });
  const inUse = many.slice(10, 10 + ADDRESSES_MAX);
  fc.assert(
    fc.property(shuffled, found => {
      expect(new Set(chooseAddresses(found, inUse))).toEqual(new Set(inUse));
    }),
  );
});

test('a stream whose address is gone makes room for another', () => {
  const many = addresses(40);
  const chosen = chooseAddresses(many.slice(1), many.slice(0, ADDRESSES_MAX));
  expect(chosen.size).toBe(ADDRESSES_MAX);
  expect(chosen).not.toContain(many[0]);
});
