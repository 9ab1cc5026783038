import { isIPv4 } from 'node:net';
import type { InstanceNames } from '../../common/instance-names.ts';
import { CommandError, type RunCommand } from './command-process.ts';
import { type HookRedirect, isSameOwner, type RedirectRule, type RuleOwner } from './hook-redirect.ts';
import {
  type IptablesListing,
  type IptablesListings,
  removalInput,
  restoreAddressesInput,
  restoreInput,
  standingRule,
} from './iptables-rules.ts';

/** Which of the kernel's two implementations. */
export type IptablesVariant = 'nft' | 'legacy';
type Family = 'iptables' | 'ip6tables';

export interface IptablesOptions {
  readonly run: RunCommand;
  readonly variant: IptablesVariant;
  readonly names: InstanceNames;
}

export interface IptablesRedirectOptions extends IptablesOptions {
  /** Where the drain server listens on the loopback addresses. */
  readonly agentPort: number;
  /** It listens on ::1 too. */
  readonly hasIpv6: boolean;
  readonly isServed: HookRedirect['isServed'];
}

/** How long to wait for kube-proxy, which holds the lock while it writes all its rules. */
const LOCK_SECONDS = '5';
/** iptables' words for a chain that is not there; the last are those of iptables-nft 1.8.9. */
const ABSENT = /No chain\/target\/match by that name|does not exist|is incompatible, use 'nft' tool/;

/**
 * The redirect by chains of our own among those of iptables, where nft cannot be used: one rule for each Pod, since ipset
 * may be missing. The chain of a table is replaced in one step, so that no call falls between two rules.
 */
export function iptablesRedirect(options: IptablesRedirectOptions): HookRedirect {
  const { names, hasIpv6, isServed } = options;
  const list = async (signal: AbortSignal): Promise<IptablesListings> => ({
    ipv4: await listing(options, 'iptables', signal),
    ipv6: hasIpv6 ? await listing(options, 'ip6tables', signal) : undefined,
  });
  const restoreAll = async (rule: RedirectRule, inputOf: typeof restoreInput, signal: AbortSignal) => {
    const standing = await list(signal);
    const [ipv4, ipv6] = splitByFamily(rule);
    await restore(options, 'iptables', inputOf(ipv4, options, standing.ipv4), signal);
    if (standing.ipv6) await restore(options, 'ip6tables', inputOf(ipv6, options, standing.ipv6), signal);
  };
  return {
    covers: address => hasIpv6 || isIPv4(address),
    read: async signal => standingRule(await list(signal), names),
    replace: (rule, signal) => restoreAll(rule, restoreInput, signal),
    change: async (owner, { added, removed }, signal) => {
      const standing = standingRule(await list(signal), names);
      if (!standing || !isSameOwner(standing.owner, owner)) throw ownerGone(owner);
      const kept = standing.addresses.filter(address => !removed.includes(address));
      await restoreAll({ owner, addresses: [...new Set([...kept, ...added])].sort() }, restoreAddressesInput, signal);
    },
    isServed,
  };
}

/** Removes the rule, whichever agent wrote it. Resolves with whether there was one. */
export async function removeIptablesRedirect(options: IptablesOptions, signal: AbortSignal): Promise<boolean> {
  let isThere = false;
  for (const family of ['iptables', 'ip6tables'] as const) {
    const standing = await listing(options, family, signal);
    if (!standing.nat && !standing.filter) continue;
    isThere = true;
    await restore(options, family, removalInput(standing, options.names), signal);
  }
  return isThere;
}

async function listing(options: IptablesOptions, family: Family, signal: AbortSignal): Promise<IptablesListing> {
  const { redirectChain } = options.names;
  const chain = (table: string, name: string) => listChain(options, { family, table, name }, signal);
  return {
    nat: await chain('nat', redirectChain),
    filter: await chain('filter', redirectChain),
    output: (await chain('nat', 'OUTPUT')) ?? [],
    input: (await chain('filter', 'INPUT')) ?? [],
  };
}

async function listChain(
  { run, variant }: IptablesOptions,
  { family, table, name }: { readonly family: Family; readonly table: string; readonly name: string },
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    const args = ['-w', LOCK_SECONDS, '-t', table, '-S', name];
    return (await run({ command: `${family}-${variant}`, args }, signal)).trim().split('\n');
  } catch (error) {
    if (error instanceof CommandError && !error.isMissing && ABSENT.test(error.message)) return undefined;
    throw error;
  }
}

async function restore({ run, variant }: IptablesOptions, family: Family, input: string, signal: AbortSignal) {
  await run({ command: `${family}-${variant}-restore`, args: ['-w', LOCK_SECONDS, '--noflush'], input }, signal);
}

function splitByFamily({ owner, addresses }: RedirectRule): [ipv4: RedirectRule, ipv6: RedirectRule] {
  return [
    { owner, addresses: addresses.filter(address => isIPv4(address)) },
    { owner, addresses: addresses.filter(address => !isIPv4(address)) },
  ];
}

function ownerGone({ stamp }: RuleOwner): Error {
  return new Error(`the rule with stamp ${stamp} is not there any more`);
}
