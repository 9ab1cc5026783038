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
    replace: (podAddresses, signal) => run(command, JSON.stringify(nftRuleset(podAddresses, agentPort)), signal),
  };
}

function run(command: string, input: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ['-j', '-f', '-'], { signal, stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, ERROR_TEXT_MAX);
    });
    const fail = (cause: string) =>
      reject(new Error(`${command} did not take the redirect rule: ${cause}; the node needs nft and CAP_NET_ADMIN`));
    child.on('error', error => fail(error.message));
    child.on('close', code => (code === 0 ? resolve() : fail(said.trim() || `exit code ${code}`)));
    // A command that ends without reading breaks the pipe; its exit code tells the rest.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
