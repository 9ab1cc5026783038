import { BlockList, isIP } from 'node:net';

/** Where Pods and nodes of a VPC have their addresses: RFC 1918, Tencent Cloud's 100.64.0.0/10, unique local IPv6. */
export const DEFAULT_PROBE_CIDRS = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fd00::/8';

/**
 * The node itself, the cloud's metadata and what is no machine's address: never asked, whatever is
 * configured. IPv4 addresses written as IPv6 are matched by the networks of IPv4.
 */
const NEVER = '0.0.0.0/8,127.0.0.0/8,169.254.0.0/16,224.0.0.0/4,240.0.0.0/4,::/96,fe80::/10,ff00::/8';
const CIDRS_MAX = 64;
const WIDTHS: Readonly<Record<number, number>> = { 4: 32, 6: 128 };

/**
 * Which addresses may be probed, from CIDRs separated by commas.
 * @throws RangeError that says what is wrong with which of them.
 */
export function probeNetworks(cidrs: string): (address: string) => boolean {
  const allowed = blockListOf(cidrs);
  const never = blockListOf(NEVER);
  return address => {
    const version = isIP(address);
    if (version === 0) return false;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    return allowed.check(address, family) && !never.check(address, family);
  };
}

function blockListOf(cidrs: string): BlockList {
  const list = new BlockList();
  const parts = cidrs.split(',').map(part => part.trim());
  if (parts.length > CIDRS_MAX) throw new RangeError(`must be at most ${CIDRS_MAX} networks`);
  for (const cidr of parts) {
    const [address = '', bits = '', ...rest] = cidr.split('/');
    const version = isIP(address);
    const isNetwork = version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits);
    if (!isNetwork || Number(bits) > (WIDTHS[version] ?? 0))
      throw new RangeError(`must be networks, and '${cidr}' is none`);
    list.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
