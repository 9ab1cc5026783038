import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runCommand } from './command-process.ts';
import { nftRedirect } from './nft-redirect.ts';

const FIXTURE = fileURLToPath(new URL('./redirect.fixture.ts', import.meta.url));

function missingPrerequisite(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for a network namespace';
  for (const [command, ...args] of [
    ['nft', '--version'],
    ['ip', '-V'],
    ['unshare', '--net', 'true'],
  ] as const) {
    if (spawnSync(command, args).status !== 0) return `needs a working ${command}`;
  }
  return undefined;
}

test("in a namespace with the real nft, only root's calls to a hooked Pod reach the agent", async ({ skip }) => {
  const missing = missingPrerequisite();
  if (missing) return skip(missing);
  const { stdout } = await promisify(execFile)('unshare', ['--net', process.execPath, FIXTURE], { timeout: 20_000 });
  expect(JSON.parse(stdout)).toEqual({
    hooked: 200,
    direct: 'ECONNREFUSED',
    forged: 'ECONNREFUSED',
    other: 200,
    misnamed: 403,
    held: ['10.44.0.5', '10.44.0.6'],
    refusals: ['not-the-kubelet'],
    left: [],
  });
});

const failing = (command: string) =>
  nftRedirect({ run: runCommand, command, agentPort: 1, hasIpv6: false, isServed: async () => false });

test('a program that fails is told with its exit code', async () => {
  await expect(failing('false').read(new AbortController().signal)).rejects.toThrow('false: exit code 1');
});

test('a missing program is told too', async () => {
  const reading = failing('/nonexistent/nft').read(new AbortController().signal);
  await expect(reading).rejects.toThrow('/nonexistent/nft: not found on this node');
});
