import type { InstanceNames } from '../../common/instance-names.ts';
import { CommandError, type RunCommand } from './command-process.ts';
import type { HookRedirect } from './hook-redirect.ts';
import {
  changeTransaction,
  type Family,
  familyOf,
  type Listings,
  type NftObject,
  removalTransaction,
  ruleTransaction,
  standingRule,
} from './nft-rules.ts';

export interface NftOptions {
  readonly run: RunCommand;
  /** `nft`, or what stands for it. */
  readonly command: string;
  readonly names: InstanceNames;
}

export interface NftRedirectOptions extends NftOptions {
  /** Where the drain server listens on the loopback addresses. */
  readonly agentPort: number;
  /** It listens on ::1 too. */
  readonly hasIpv6: boolean;
  readonly isServed: HookRedirect['isServed'];
}

/** The redirect by an nft table of our own. */
export function nftRedirect({ run, command, names, agentPort, hasIpv6, isServed }: NftRedirectOptions): HookRedirect {
  const nft = { run, command, names };
  return {
    covers: address => hasIpv6 || familyOf(address) === 'ip',
    read: async signal => standingRule(await listings(nft, signal)),
    replace: async (rule, signal) => {
      const standing = await listings(nft, signal);
      try {
        await write(nft, ruleTransaction(rule, agentPort, { standing, names }), signal);
      } catch {
        signal.throwIfAborted();
        await write(nft, ruleTransaction(rule, agentPort, { standing, names, rebuilds: true }), signal);
      }
    },
    change: (owner, change, signal) => write(nft, changeTransaction(owner, change, names), signal),
    isServed,
  };
}

/** Deletes the rule, whichever agent wrote it. Resolves with whether there was one. */
export async function removeNftRedirect(nft: NftOptions, signal: AbortSignal): Promise<boolean> {
  const standing = await listings(nft, signal);
  if (!standing.ip && !standing.ip6) return false;
  await write(nft, removalTransaction(standing, nft.names), signal);
  return true;
}

/** @throws CommandError when the node cannot have a NAT chain of nft, which depends on its kernel and our capabilities. */
export async function tryNft(nft: NftOptions, signal: AbortSignal): Promise<void> {
  const table = { family: 'ip', name: `trial_of_${nft.names.redirectTable}` };
  const chain = { family: 'ip', table: table.name, name: 'output', type: 'nat', hook: 'output', prio: -105 };
  await write(nft, { nftables: [{ add: { table } }, { add: { chain } }, { delete: { table } }] }, signal);
}

async function write({ run, command }: NftOptions, transaction: object, signal: AbortSignal): Promise<void> {
  await run({ command, args: ['-j', JSON.stringify(transaction)] }, signal);
}

async function listings(nft: NftOptions, signal: AbortSignal): Promise<Listings> {
  return { ip: await listing(nft, 'ip', signal), ip6: await listing(nft, 'ip6', signal) };
}

/** The kernel's words for a table that is not there, and for a family that it does not know. */
const ABSENT = /No such file or directory|not supported/;

async function listing(
  { run, command, names }: NftOptions,
  family: Family,
  signal: AbortSignal,
): Promise<readonly NftObject[] | undefined> {
  try {
    const printed = await run({ command, args: ['-j', 'list', 'table', family, names.redirectTable] }, signal);
    return (JSON.parse(printed) as { nftables: readonly NftObject[] }).nftables;
  } catch (error) {
    if (error instanceof CommandError && !error.isMissing && ABSENT.test(error.message)) return undefined;
    throw error;
  }
}
