import { expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { CommandError } from './command-process.ts';
import { chooseRedirect, type NodeFirewall } from './redirect-choice.ts';

const never = new AbortController().signal;

/** A node where only commands that begin like one of these succeed. */
function node(working: readonly string[], overrides: Partial<NodeFirewall> = {}): NodeFirewall {
  return {
    names: DEFAULT_INSTANCE,
    run: async ({ command, args }) => {
      const line = [command, ...args].join(' ');
      if (working.some(start => line.startsWith(start))) return '';
      throw new CommandError(`${command}: not here`, { isMissing: true });
    },
    nftCommand: 'nft',
    kernelRelease: '5.4.241-1-tlinux4',
    legacyTables: '',
    ...overrides,
  };
}

test.each<[string, NodeFirewall, string]>([
  ['nft where it works', node(['nft', 'iptables-nft']), 'nft'],
  ['nft beside iptables-legacy', node(['nft', 'iptables-legacy'], { legacyTables: 'nat\n' }), 'nft'],
  [
    'iptables-legacy where it is in use on an old kernel',
    node(['nft', 'iptables'], { legacyTables: 'filter\nnat\n', kernelRelease: '4.14.105-19-0024' }),
    'iptables-legacy',
  ],
  ['nft on an old kernel that has no other NAT', node(['nft'], { kernelRelease: '4.14.105-19-0024' }), 'nft'],
  [
    'the variant of iptables that kube-proxy uses',
    node(['iptables-nft', 'iptables-legacy -w 5 -t nat'], { legacyTables: 'nat\n' }),
    'iptables-nft',
  ],
  ['any variant that works', node(['iptables-legacy -w 5 -t nat']), 'iptables-legacy'],
  ['nothing where nothing works', node([]), 'off'],
])('the redirect is carried by %s', async (_, given, means) => {
  expect(await chooseRedirect(given, never)).toMatchObject({ means });
});

test('what was not chosen is told with its reason', async () => {
  expect((await chooseRedirect(node(['iptables-nft']), never)).refusals).toEqual(['nft: not here']);
});
