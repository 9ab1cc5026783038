import { expect, test } from 'vitest';
import { formatValue } from './format-value.ts';

test.each([
  [0, 's', '0 s'],
  [0.0123, 's', '12.3 ms'],
  [4.97, 's', '4.97 s'],
  [600, 's', '10 min'],
  [7_776_000, 's', '90 d'],
  [125_829_120, 'bytes', '120 MiB'],
  [3 * 2 ** 30, 'bytes', '3 GiB'],
  [0.0293, 'percentunit', '2.93 %'],
  [0.25, 'reqps', '0.25 req/s'],
  [1_234.5, 'short', '1235'],
])('%d in %s is %s', (value, unit, text) => {
  expect(formatValue(value, unit)).toBe(text);
});
