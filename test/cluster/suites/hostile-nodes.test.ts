import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../common/clock.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import { apiPort } from '../addresses.ts';
import { openCluster } from '../harness.ts';
import { cutNode, killDaemon, mendNode } from '../node-faults.ts';
import { expectNothingLost, type InstalledStage, installedStage } from '../product/installed-stage.ts';
import { ports } from '../product/names.ts';
import { targetWrites } from '../product/target-writes.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const namespace = 'hostile-nodes';
const timeoutMs = 240_000;
/** Longer than an agent may be silent before a coordinator watches its node itself, shorter than a kubelet may be. */
const cutMs = 25_000;
/** The agent looks every 10 s whether its rule stands. */
const repairTimeoutMs = 20_000;
/** A destination NAT of somebody else, before ours and beside it, that has nothing to do with our Pods. */
const foreignRules = [
  "nft 'add table ip foreign'",
  "nft 'add chain ip foreign out { type nat hook output priority -110; }'",
  "nft 'add rule ip foreign out ip daddr 10.244.0.0/16 counter accept'",
  "nft 'add rule ip foreign out ip daddr 192.0.2.1 tcp dport 19440 redirect to :9'",
  'iptables-nft -t nat -I OUTPUT -d 192.0.2.2 -p tcp -j DNAT --to-destination 127.0.0.1:9',
  'iptables-nft -t nat -I OUTPUT -d 10.244.0.0/16 -p tcp -j ACCEPT',
  'iptables-nft -I INPUT -i lo -j ACCEPT',
  'iptables-legacy -t nat -I OUTPUT -d 10.244.0.0/16 -p tcp -j ACCEPT',
].join(' && ');

let stage: InstalledStage;
let virtualAddress = '';

const onNode = (node: string, script: string) => cluster.runOnNode(node, ['sh', '-c', script]);
const onEveryNode = (script: string) => Promise.all(cluster.nodes.map(node => onNode(node, script)));

/** On each node, without what they have counted. */
async function foreignRulesNow(): Promise<readonly string[]> {
  const list = 'nft list table ip foreign && iptables-nft -t nat -S OUTPUT && iptables-legacy -t nat -S OUTPUT';
  return (await onEveryNode(list)).map(({ stdout }) => stdout.replaceAll(/packets \d+ bytes \d+/g, ''));
}

beforeAll(async () => {
  stage = await installedStage(clock, cluster);
  await stage.makeNamespace(namespace);
  virtualAddress = await stage.deploy(namespace);
}, 240_000);

afterAll(() => stage?.end(), 240_000);

describe('nothing is lost and every Pod ends in order in a rolling update', () => {
  test.each(['kubelet', 'containerd'] as const)(
    'while the %s of every node is killed in the middle of a drain',
    async daemon => {
      await stage.updateLosesNothing(namespace, virtualAddress, async () => {
        const sinceMs = clock.wallNow();
        const updated = stage.update(namespace);
        await waitUntil(clock, 'a drain', 60_000, () =>
          targetWrites(stage.product.journal(), sinceMs).some(write => /^target-reweighted .* 0$/.test(write)),
        );
        for (const node of cluster.nodes) await killDaemon(cluster, node, daemon);
        await updated;
      });
    },
    timeoutMs,
  );

  test(
    "beside others' rules of nft and iptables, and after our table was deleted and flushed",
    async () => {
      await onEveryNode(foreignRules);
      const before = await foreignRulesNow();
      for (const damage of ['delete', 'flush']) {
        await onEveryNode(`nft ${damage} table ip clb_direct`);
        const deletedAtMs = clock.now();
        await waitUntil(clock, 'the redirect rules to be back', repairTimeoutMs, async () => {
          const tables = await onEveryNode('nft list table ip clb_direct');
          return tables.every(({ stdout }) => stdout.includes('redirect to'));
        });
        process.stdout.write(`\n${damage}: the rules were back after ${Math.round(clock.now() - deletedAtMs)} ms\n`);
      }
      await stage.updateLosesNothing(namespace, virtualAddress);
      expect(await foreignRulesNow()).toEqual(before);
    },
    timeoutMs,
  );
});

describe('nothing is lost and no target is touched', () => {
  test.each(['in', 'out', 'both'] as const)(
    'while what a node says to coordinators and API server is dropped, direction: %s',
    async direction => {
      const node = await stage.nodeOfNoCoordinator();
      const sinceMs = clock.wallNow();
      let dropped = 0;
      const report = await stage.load(virtualAddress, async () => {
        await cutNode(cluster, node, direction, [apiPort, ports.grpc]);
        try {
          await sleep(clock, cutMs, new AbortController().signal);
        } finally {
          dropped = await mendNode(cluster, node);
        }
      });
      process.stdout.write(`\n${reportText(report)}\n${dropped} packets dropped\n`);
      expect(dropped).toBeGreaterThan(0);
      expectNothingLost(report);
      expect(targetWrites(stage.product.journal(), sinceMs)).toEqual([]);
    },
    timeoutMs,
  );

  test(
    'and the next rolling update is as good as any',
    () => stage.updateLosesNothing(namespace, virtualAddress),
    timeoutMs,
  );
});
