import { describe, expect, test } from 'vitest';
import { isCidr, withinAny } from './cidr.ts';

describe('a network', () => {
  test.each(['10.0.0.0/8', '10.0.0.5/32', '0.0.0.0/0', 'fd00::/8', '::/0', '::1/128'])('%s is one', text => {
    expect(isCidr(text)).toBe(true);
  });

  test.each(['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/8/8', 'pods/8', '10.0.0.0/-1', '/8', ''])(
    "'%s' is none",
    text => {
      expect(isCidr(text)).toBe(false);
    },
  );
});

describe('an address', () => {
  const isWithin = withinAny(['10.0.0.0/26', 'fd00:16::/64']);

  test.each<[string, boolean]>([
    ['10.0.0.63', true],
    ['10.0.0.64', false],
    ['fd00:16::ffff', true],
    ['fd00:17::1', false],
    ['::ffff:10.0.0.1', true],
    ['::10.0.0.1', false],
    ['10.0.0', false],
    ['', false],
  ])("'%s' lies within: %s", (address, expected) => {
    expect(isWithin(address)).toBe(expected);
  });

  test('lies in no network where there is none', () => {
    expect(withinAny([])('10.0.0.1')).toBe(false);
  });
});
