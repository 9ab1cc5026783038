import { expect, test } from 'vitest';
import { runCommand } from './command-process.ts';
import { inNamespace, missingPrerequisite } from './in-namespace.fixture.ts';
import { nftRedirect } from './nft-redirect.ts';

test.for(['nft', 'iptables-nft', 'iptables-legacy'])(
  "with %s among the rules of a node, only root's calls to a hooked Pod reach the agent",
  async (means, { skip }) => {
    const missing = missingPrerequisite();
    if (missing) return skip(missing);
    expect(await inNamespace('redirect', means)).toEqual({
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

const failing = (command: string) =>
  nftRedirect({ run: runCommand, command, agentPort: 1, hasIpv6: false, isServed: async () => false });

test('a program that fails is told with its exit code', async () => {
  await expect(failing('false').read(new AbortController().signal)).rejects.toThrow('false: exit code 1');
});

test('a missing program is told too', async () => {
  const reading = failing('/nonexistent/nft').read(new AbortController().signal);
  await expect(reading).rejects.toThrow('/nonexistent/nft: not found on this node');
});
