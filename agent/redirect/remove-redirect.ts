import { CommandError } from './command-process.ts';
import { removeIptablesRedirect } from './iptables-redirect.ts';
import { removeNftRedirect } from './nft-redirect.ts';
import type { NodeFirewall } from './redirect-choice.ts';

export interface Removal {
  /** One line each, for people. */
  readonly lines: readonly string[];
  /** No rule is left. */
  readonly isRemoved: boolean;
}

/**
 * Removes the redirect rule from the node, by whatever means it was made and whichever agent made it: preStop hooks are
 * refused from then on, so that containers get SIGTERM at once.
 */
export async function removeRedirect(node: NodeFirewall, signal: AbortSignal): Promise<Removal> {
  const { run, nftCommand, legacyTables, names } = node;
  const attempts = [
    await attempt('nft', removeNftRedirect({ run, command: nftCommand, names }, signal)),
    await attempt('iptables-nft', removeIptablesRedirect({ run, variant: 'nft', names }, signal)),
    // To ask iptables-legacy would make the kernel load it.
    ...(legacyTables === ''
      ? []
      : [await attempt('iptables-legacy', removeIptablesRedirect({ run, variant: 'legacy', names }, signal))]),
  ];
  return { lines: attempts.map(({ line }) => line), isRemoved: attempts.every(({ isDone }) => isDone) };
}

async function attempt(means: string, removal: Promise<boolean>): Promise<{ line: string; isDone: boolean }> {
  try {
    return {
      line: `${means}: ${(await removal) ? 'the redirect rule was removed' : 'no rule of clb-direct'}`,
      isDone: true,
    };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.isMissing) return { line: `${means}: not on this node`, isDone: true };
    return { line: `${means}: the redirect rule was not removed: ${error.message}`, isDone: false };
  }
}
