import { BlockList, isIP } from 'node:net';

/** Whether this is a network as `10.0.0.0/8` or `fd00::/8` writes it. */
export function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const version = isIP(address);
  return version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

/**
 * Whether an address lies in one of these networks; what is no address lies in none. An IPv4 address that is written as
 * IPv6 (`::ffff:10.0.0.1`) lies in the networks of IPv4. Each of `cidrs` must pass `isCidr`.
 */
export function withinAny(cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/');
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return address => isIP(address) !== 0 && list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
