import { expect, test } from 'vitest';
import { DEFAULT_INSTANCE, instanceNames } from '../../common/instance-names.ts';
import { type Command, runCommand } from './command-process.ts';
import { inNamespace, missingPrerequisite, NAMESPACE_TIMEOUT_MS } from './in-namespace.fixture.ts';
import { nftRedirect, tryNft } from './nft-redirect.ts';

test.for(['nft', 'iptables-nft', 'iptables-legacy'])(
  "with %s among the rules of a node, only root's calls to a hooked Pod reach the agent",
  { timeout: NAMESPACE_TIMEOUT_MS },
  async (means, { skip }) => {
    const missing = missingPrerequisite();
    if (missing) return skip(missing);
    expect(await inNamespace(new URL('./redirect.fixture.ts', import.meta.url), means)).toEqual({
      before: 'nothing',
      hooked: 200,
      hookedIpv6: 200,
      token: 200,
      wrongToken: 403,
      direct: 'ECONNREFUSED',
      forged: 'ECONNREFUSED',
      isAnotherUserServed: false,
      other: 200,
      misnamed: 403,
      lateChange: 'refused',
      addresses: ['10.44.0.5'],
      leadsHere: true,
      held: ['10.44.0.5', 'fd00:44::5', 'uid-1', '10.44.0.6'],
      refusals: ['unknown-token', 'not-the-kubelet'],
    });
  },
);

test('a rule that others flush, delete or edit is put back, stays after its agent, and goes when asked', {
  timeout: NAMESPACE_TIMEOUT_MS,
}, async ({ skip }) => {
  const missing = missingPrerequisite();
  if (missing) return skip(missing);
  const clean = [
    'nft: no rule of clb-direct',
    'iptables-nft: no rule of clb-direct',
    'iptables-legacy: no rule of clb-direct',
  ];
  const removed = ['nft: the redirect rule was removed', ...clean.slice(1)];
  expect(await inNamespace(new URL('./repair.fixture.ts', import.meta.url))).toEqual({
    afterwards: [200, 200, 200, 200, 200, 200, 200],
    hasStrangers: false,
    leftInPlace: 200,
    removal: { lines: removed, isRemoved: true },
    again: { lines: clean, isRemoved: true },
    isLegacyKept: true,
    tables: [],
  });
});

const failing = (command: string) =>
  nftRedirect({
    run: runCommand,
    command,
    names: DEFAULT_INSTANCE,
    agentPort: 1,
    hasIpv6: false,
    isServed: async () => false,
  });

test('a program that fails is told with its exit code', async () => {
  await expect(failing('false').read(new AbortController().signal)).rejects.toThrow('false: exit code 1');
});

test('a missing program is told too', async () => {
  const reading = failing('/nonexistent/nft').read(new AbortController().signal);
  await expect(reading).rejects.toThrow('/nonexistent/nft: not found on this node');
});

test('what nft is tried with is no table of another instance, whatever its name', async () => {
  const asked: string[] = [];
  const run = async ({ args }: Command) => {
    asked.push(...args);
    return '';
  };
  await tryNft({ run, command: 'nft', names: DEFAULT_INSTANCE }, new AbortController().signal);
  const { redirectTable } = instanceNames({ name: 'trial', hookPort: 19_450 });
  expect(asked.join()).toMatch(/clb_direct/);
  expect(asked.join()).not.toContain(`"${redirectTable}"`);
});
