import { expect, test } from 'vitest';
import { AddressPool } from './address-pool.ts';

test('the address freed last is given out first', () => {
  const pool = new AddressPool('127.1.1.0/24');
  const [first, second] = [pool.take(), pool.take()];
  expect([first, second]).toEqual(['127.1.1.2', '127.1.1.3']);
  pool.give('127.1.1.2');
  pool.give('127.1.1.3');
  expect([pool.take(), pool.take(), pool.take()]).toEqual(['127.1.1.3', '127.1.1.2', '127.1.1.4']);
});

test('an address that is claimed is given to nobody else, those below it are', () => {
  const pool = new AddressPool('127.1.1.0/29');
  pool.claim('127.1.1.4');
  pool.claim('127.1.1.2');
  expect([1, 2, 3].map(() => pool.take())).toEqual(['127.1.1.3', '127.1.1.5', '127.1.1.6']);
});

test('a full pool has none, and the broadcast address is not used', () => {
  const pool = new AddressPool('127.1.1.0/29');
  const taken = Array.from({ length: 6 }, () => pool.take());
  expect(taken).toEqual(['127.1.1.2', '127.1.1.3', '127.1.1.4', '127.1.1.5', '127.1.1.6', undefined]);
});

test.each(['127.1.1.0', '127.1.1/24', '127.1.1.256/24', '127.1.1.0/31'])('%s is refused', cidr => {
  expect(() => new AddressPool(cidr)).toThrow(/podCidr/);
});
