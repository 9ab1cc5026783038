import { spawn } from 'node:child_process';
import type { HookRedirect } from './hook-transport.ts';
import { nftRuleset } from './nft-ruleset.ts';

export interface NftRedirectOptions {
  /** `nft`, or what stands for it: called with `-j -f -`, the transaction on its standard input. */
  readonly command: string;
  /** Where the drain server listens. */
  readonly agentPort: number;
}

/** Of what nft says about a refused transaction, the part an error quotes. */
const ERROR_TEXT_MAX = 2_000;

export function nftRedirect({ command, agentPort }: NftRedirectOptions): HookRedirect {
  return {
    replace: async (podAddresses, signal) => run(command, JSON.stringify(nftRuleset(podAddresses, agentPort)), signal),
  };
}

/**
 * nft opens /dev/stdin anew, which fails on the socket that Node gives a child as its standard input (measured, nft
 * 1.0.6); `cat` makes a real pipe of it. The group is killed as one, so that no nft outlives its deadline.
 */
const SCRIPT = 'cat | "$0" -j -f -';

function run(command: string, input: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', SCRIPT, command], { detached: true, stdio: ['pipe', 'ignore', 'pipe'] });
    const killGroup = () => killProcessGroup(child.pid);
    signal.addEventListener('abort', killGroup, { once: true });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, ERROR_TEXT_MAX);
    });
    const fail = (cause: string) =>
      reject(new Error(`${command} did not take the redirect rule: ${cause}; the node needs nft and CAP_NET_ADMIN`));
    child.on('error', error => fail(error.message));
    child.on('close', code => {
      signal.removeEventListener('abort', killGroup);
      if (code === 0) resolve();
      else fail(said.trim() || (signal.aborted ? String(signal.reason) : `exit code ${code}`));
    });
    // A command that ends without reading breaks the pipe; its exit code tells the rest.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function killProcessGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL');
  } catch {
    // It ended by itself a moment ago.
  }
}
