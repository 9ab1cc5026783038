import { isIPv4 } from 'node:net';
import type { InstanceNames } from '../../common/instance-names.ts';
import { formatOwner, parseOwner, type RedirectRule, type StandingRule } from './hook-redirect.ts';

/** What `iptables -S` printed, line by line, of the chains that matter. */
export interface IptablesListing {
  /** Our own chains; undefined where there is none. */
  readonly nat: readonly string[] | undefined;
  readonly filter: readonly string[] | undefined;
  /** The chains of the kernel that ours hang from. */
  readonly output: readonly string[];
  readonly input: readonly string[];
}

/** Of `iptables` and of `ip6tables`. */
export interface IptablesListings {
  readonly ipv4: IptablesListing;
  readonly ipv6: IptablesListing | undefined;
}

/** Which chain leads to which port. */
export interface RedirectPlace {
  readonly agentPort: number;
  readonly names: InstanceNames;
}

const ADDRESS = /^-A \S+ -d ([^/\s]+)/;

/**
 * What `iptables-restore --noflush` takes to put the whole rule there, one table after the other, each in one step. Other
 * chains are left alone but for the jumps to ours, which stand first, before kube-proxy's destination NAT.
 */
export function restoreInput(
  rule: RedirectRule,
  { agentPort, names }: RedirectPlace,
  standing: IptablesListing,
): string {
  const chain = names.redirectChain;
  return [
    '*nat',
    ...natLines(rule, { agentPort, names }),
    ...(hasJump(standing.output, chain) ? [] : [`-I OUTPUT 1 ${jump(chain)}`]),
    'COMMIT',
    '*filter',
    `:${chain} - [0:0]`,
    `-A ${chain} -i lo -p tcp -m tcp --dport ${agentPort} -m conntrack ! --ctstate DNAT -j REJECT --reject-with tcp-reset`,
    ...(hasJump(standing.input, chain) ? [] : [`-I INPUT 1 ${jump(chain)}`]),
    'COMMIT',
    '',
  ].join('\n');
}

/** Only the addresses, in one step. */
export function restoreAddressesInput(rule: RedirectRule, place: RedirectPlace): string {
  return ['*nat', ...natLines(rule, place), 'COMMIT', ''].join('\n');
}

/** What it takes to remove what stands there. */
export function removalInput(standing: IptablesListing, { redirectChain }: InstanceNames): string {
  const tables = [
    { table: 'nat', from: 'OUTPUT', chain: standing.nat, jumps: standing.output },
    { table: 'filter', from: 'INPUT', chain: standing.filter, jumps: standing.input },
  ];
  return tables
    .filter(({ chain }) => chain)
    .flatMap(({ table, from, jumps }) => {
      const unhook = hasJump(jumps, redirectChain) ? [`-D ${from} ${jump(redirectChain)}`] : [];
      return [`*${table}`, ...unhook, `-F ${redirectChain}`, `-X ${redirectChain}`, 'COMMIT', ''];
    })
    .join('\n');
}

/** Undefined where no agent's rule stands, or one that nobody could tell whose it is. */
export function standingRule(
  { ipv4, ipv6 }: IptablesListings,
  { redirectChain }: InstanceNames,
): StandingRule | undefined {
  const owner = (ipv4.nat ?? []).map(line => parseOwner(/--comment "([^"]*)"/.exec(line)?.[1] ?? '')).find(Boolean);
  const agentPort = (ipv4.filter ?? []).map(line => / --dport (\d+)/.exec(line)?.[1]).find(Boolean);
  if (!owner || agentPort === undefined) return undefined;
  const addresses = [ipv4, ipv6].flatMap(listing => listing?.nat ?? []).flatMap(line => ADDRESS.exec(line)?.[1] ?? []);
  const fingerprint = JSON.stringify([ipv4, ipv6].map(listing => listing && fixedPart(listing, redirectChain)));
  return { owner, agentPort: Number(agentPort), addresses: addresses.sort(), fingerprint };
}

function fixedPart({ nat = [], filter, output, input }: IptablesListing, chain: string) {
  return [nat.filter(line => !ADDRESS.test(line)), filter, hasJump(output, chain), hasJump(input, chain)];
}

function natLines({ owner, addresses }: RedirectRule, { agentPort, names }: RedirectPlace): string[] {
  const { redirectChain: chain, hookPort } = names;
  const match = `-p tcp -m tcp --dport ${hookPort} -m owner --uid-owner 0`;
  return [
    `:${chain} - [0:0]`,
    `-A ${chain} -m comment --comment "${formatOwner(owner)}"`,
    ...addresses.map(
      address => `-A ${chain} -d ${address}/${isIPv4(address) ? 32 : 128} ${match} -j REDIRECT --to-ports ${agentPort}`,
    ),
  ];
}

function jump(chain: string): string {
  return `-j ${chain}`;
}

function hasJump(lines: readonly string[], chain: string): boolean {
  return lines.some(line => line.endsWith(` ${jump(chain)}`));
}
