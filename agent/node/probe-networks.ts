import { isCidr, withinAny } from '../../common/cidr.ts';

/** Where Pods and nodes of a VPC have their addresses: RFC 1918, Tencent Cloud's 100.64.0.0/10, unique local IPv6. */
export const DEFAULT_PROBE_CIDRS = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fd00::/8';

/** The node itself, the cloud's metadata and what is no machine's address: never asked, whatever is configured. */
const NEVER = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/96', 'fe80::/10', 'ff00::/8'],
];
const CIDRS_MAX = 64;

/**
 * Which addresses may be probed, from networks separated by commas.
 * @throws RangeError that says what is wrong with which of them.
 */
export function probeNetworks(cidrs: string): (address: string) => boolean {
  const networks = cidrs.split(',').map(part => part.trim());
  if (networks.length > CIDRS_MAX) throw new RangeError(`must be at most ${CIDRS_MAX} networks`);
  const wrong = networks.find(network => !isCidr(network));
  if (wrong !== undefined) throw new RangeError(`must be networks, and '${wrong}' is none`);
  const isOfCluster = withinAny(networks);
  const isForbidden = withinAny(NEVER);
  return address => isOfCluster(address) && !isForbidden(address);
}
