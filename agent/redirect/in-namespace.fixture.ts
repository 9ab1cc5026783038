import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const NAMESPACE_TIMEOUT_MS = 120_000;
const NEEDED = [
  ['nft', '--version'],
  ['iptables-nft', '--version'],
  ['iptables-legacy', '--version'],
  ['curl', '--version'],
  ['ip', '-V'],
  ['unshare', '--net', 'true'],
] as const;

/** For tests: why `inNamespace` cannot be used here. */
export function missingPrerequisite(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for a network namespace';
  const missing = NEEDED.find(([command, ...args]) => spawnSync(command, args).status !== 0);
  return missing && `needs a working ${missing[0]}`;
}

/** For tests: what a program printed that ran in a network namespace of its own. */
export async function inNamespace(program: URL, ...args: readonly string[]): Promise<unknown> {
  const command = ['--net', process.execPath, fileURLToPath(program), ...args];
  const { stdout } = await promisify(execFile)('unshare', command, { timeout: NAMESPACE_TIMEOUT_MS });
  return JSON.parse(stdout);
}
