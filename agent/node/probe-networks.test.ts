import { describe, expect, test } from 'vitest';
import { DEFAULT_PROBE_CIDRS, probeNetworks } from './probe-networks.ts';

describe('by default', () => {
  const isAllowed = probeNetworks(DEFAULT_PROBE_CIDRS);

  test.each(['10.0.0.5', '172.16.0.1', '172.31.255.254', '192.168.1.1', '100.64.0.1', '100.127.1.1', 'fd00:44::5'])(
    '%s may be probed',
    address => {
      expect(isAllowed(address)).toBe(true);
    },
  );

  test.each(['192.0.2.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:db8::1', 'fe80::1', 'localhost', '', '10.0.0'])(
    "'%s' may not",
    address => {
      expect(isAllowed(address)).toBe(false);
    },
  );
});

describe('whatever is configured', () => {
  const isAllowed = probeNetworks('0.0.0.0/0,::/0');

  test.each([
    ['this node', '127.0.0.1'],
    ['this node in IPv6', '::1'],
    ['this node in disguise', '::ffff:127.0.0.1'],
    ['any address of this node', '0.0.0.0'],
    ['the metadata service', '169.254.0.23'],
    ['the metadata service in disguise', '::ffff:169.254.0.23'],
    ['everybody', '255.255.255.255'],
    ['a group', '224.0.0.1'],
    ['a group in IPv6', 'ff02::1'],
    ['a link', 'fe80::1'],
  ])('%s is not probed', (_, address) => {
    expect(isAllowed(address)).toBe(false);
  });

  test('other addresses are', () => {
    expect([isAllowed('192.0.2.1'), isAllowed('2001:db8::1')]).toEqual([true, true]);
  });
});

test.each(['10.0.0.0', 'pods/8', '10.0.0.0/8,,'])("'%s' is no list of networks", cidrs => {
  expect(() => probeNetworks(cidrs)).toThrow('must be networks');
});

test('the list has an end', () => {
  expect(() => probeNetworks(Array(65).fill('10.0.0.0/8').join())).toThrow('must be at most 64 networks');
});
