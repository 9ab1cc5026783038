import type { InstanceNames } from '../../common/instance-names.ts';
import { CommandError, type RunCommand } from './command-process.ts';
import type { IptablesVariant } from './iptables-redirect.ts';
import { tryNft } from './nft-redirect.ts';

/** What carries the redirect: a program of the node, or nothing, where calls come with a token to the hook port. */
export type RedirectMeans = 'nft' | 'iptables-nft' | 'iptables-legacy' | 'off';

export interface NodeFirewall {
  readonly run: RunCommand;
  readonly nftCommand: string;
  readonly names: InstanceNames;
  /** As `uname -r` prints it. */
  readonly kernelRelease: string;
  /** The tables of iptables-legacy that are in use, as in `/proc/net/ip_tables_names`; to ask it would make it load them. */
  readonly legacyTables: string;
}

export interface RedirectChoice {
  readonly means: RedirectMeans;
  /** Of what was not chosen, why; for people. */
  readonly refusals: readonly string[];
}

const LOCK_SECONDS = '5';
/** kube-proxy makes it in every mode, and watches it to learn of flushes. */
const KUBE_PROXY_CHAIN = 'KUBE-PROXY-CANARY';
/** On older kernels the NAT of nft and that of iptables-legacy exclude each other. */
const SHARED_NAT_SINCE = { major: 4, minor: 18 };

/**
 * What to carry the redirect with: nft where it can have NAT chains, else the variant of iptables that kube-proxy uses on
 * this node, else any that works, else nothing.
 */
export async function chooseRedirect(node: NodeFirewall, signal: AbortSignal): Promise<RedirectChoice> {
  const refusals: string[] = [];
  const works = async (attempt: Promise<unknown>) => {
    const refusal = await refusalOf(attempt);
    if (refusal !== undefined) refusals.push(refusal);
    return refusal === undefined;
  };
  const iptables = (variant: IptablesVariant, table: string, chain: string) =>
    node.run({ command: `iptables-${variant}`, args: ['-w', LOCK_SECONDS, '-t', table, '-S', chain] }, signal);
  const isLegacyInUse = node.legacyTables.split('\n').includes('nat');
  const mayUseNft = !isLegacyInUse || isAtLeast(node.kernelRelease, SHARED_NAT_SINCE);
  if (!mayUseNft) refusals.push(`nft: kernel ${node.kernelRelease} cannot have its NAT beside that of iptables-legacy`);
  if (mayUseNft && (await works(tryNft({ run: node.run, command: node.nftCommand, names: node.names }, signal)))) {
    return { means: 'nft', refusals };
  }
  const inUse: IptablesVariant[] = isLegacyInUse ? ['legacy', 'nft'] : ['nft'];
  for (const variant of inUse) {
    const isMissing = await refusalOf(iptables(variant, 'mangle', KUBE_PROXY_CHAIN));
    if (isMissing === undefined) return { means: `iptables-${variant}`, refusals };
  }
  for (const variant of new Set([...inUse, 'legacy'] as const)) {
    if (await works(iptables(variant, 'nat', 'OUTPUT'))) return { means: `iptables-${variant}`, refusals };
  }
  return { means: 'off', refusals };
}

/** Undefined when the program did as it was told. */
async function refusalOf(attempt: Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
}

function isAtLeast(release: string, wanted: { readonly major: number; readonly minor: number }): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major > wanted.major || (major === wanted.major && minor >= wanted.minor);
}
