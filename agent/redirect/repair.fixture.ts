/** Run by `redirect.test.ts`: what others do to the rule, and what becomes of calls then. Prints one line of JSON. */
import { execFileSync } from 'node:child_process';
import { sleep, systemClock } from '../../common/clock.ts';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { systemRandom } from '../../common/random.ts';
import { noMetrics } from '../metrics.ts';
import { runCommand } from './command-process.ts';
import { call, makeNeighbours, makeNetwork, POD, startAgent } from './namespace.fixture.ts';
import { nodeFirewall } from './proc-firewall.ts';
import { RedirectKeeper } from './redirect-keeper.ts';
import { removeRedirect } from './remove-redirect.ts';

const never = new AbortController().signal;
const clock = systemClock();
const nft = (command: string) => execFileSync('nft', command.split(' '), { encoding: 'utf8' });

makeNetwork();
makeNeighbours('legacy');
const agent = await startAgent('nft', async () => 'done');
const rest = new AbortController();
const keeper = new RedirectKeeper({
  clock,
  random: systemRandom(),
  log: new CollectingLogger(),
  metrics: noMetrics(),
  redirect: agent.redirect,
  self: { stamp: 1, incarnation: 'a' },
  addresses: () => [POD],
});
keeper.coordinators(1);
const kept = keeper.run(rest.signal);
while (!keeper.isOwner) await sleep(clock, 5, never);

const MISSHAPEN = 'add chain ip clb_direct output { type filter hook output priority 0 ; }';
const damages = [
  `delete table ip clb_direct ; add table ip clb_direct ; ${MISSHAPEN}`,
  'delete table ip clb_direct',
  'flush ruleset',
  'flush chain ip clb_direct output',
  'delete element ip clb_direct pods_1 { 10.44.0.5 }',
  'insert rule ip clb_direct output accept',
  'add chain ip clb_direct other',
];
const afterwards: (number | string)[] = [];
for (const damage of damages) {
  nft(damage);
  await keeper.lookBeforeStopping();
  afterwards.push(await call({ host: POD }));
}
const hasStrangers = nft('list table ip clb_direct').includes('chain other');
rest.abort();
await kept;
const leftInPlace = await call({ host: POD });
const firewall = await nodeFirewall({ procRoot: '/proc', nftCommand: 'nft', names: DEFAULT_INSTANCE, run: runCommand });
const removal = await removeRedirect(firewall, never);
const again = await removeRedirect(firewall, never);
await agent.stop();
const isLegacyKept = execFileSync('iptables-legacy', ['-t', 'nat', '-S'], { encoding: 'utf8' }).includes(
  'KUBE-SERVICES',
);
const tables = nft('list tables')
  .split('\n')
  .filter(line => line.includes('clb_direct'));
console.log(JSON.stringify({ afterwards, hasStrangers, leftInPlace, removal, again, isLegacyKept, tables }));
