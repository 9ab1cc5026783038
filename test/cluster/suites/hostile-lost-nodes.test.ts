import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../common/clock.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { openCluster } from '../harness.ts';
import { type CutDirection, cutNode, freezeNode, killDaemon, mendNode } from '../node-faults.ts';
import { expectNothingLost, type InstalledStage, installedStage } from '../product/installed-stage.ts';
import { targetWrites } from '../product/target-writes.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const namespace = 'lost-nodes';
const timeoutMs = 240_000;
/** CLB's own check here: every 2 s, two in a row, each may take 2 s; then its forwarders follow within 2 s, and a kept connection's next request. */
const noticedAfterMs = 12_000;
/** Long requests take 4 s. */
const underWayMs = 5_000;
/** A frozen process still accepts connections, by its kernel: CLB's check finds nothing wrong until it is killed. */
const frozenMs = 6_000;
/** Shorter than a kubelet may be silent (40 s). */
const cutMs = 20_000;
/** Shorter than Pods of a node that is not there are kept (40 s). */
const awayMs = 20_000;

let stage: InstalledStage;
let virtualAddress = '';

const pause = (delayMs: number) => sleep(clock, delayMs, new AbortController().signal);
const writesSince = (sinceMs: number) => targetWrites(stage.product.journal(), sinceMs);

async function addressesOn(node: string): Promise<readonly string[]> {
  const pods = await stage.pods(namespace);
  return pods.filter(({ spec }) => spec.nodeName === node).map(({ status }) => status?.podIP ?? '');
}

/**
 * What was sent to the node from the fault until CLB has noticed may be lost, nothing before and nothing after.
 * @param silentAtMs from when on it answers CLB's check no more
 */
function expectLossesOnlyOf(faultAtMs: number, silentAtMs: number, { losses, ...report }: LoadReport): void {
  const began = losses.map(({ startedAt }) => Math.round(startedAt - faultAtMs));
  const span =
    losses.length > 0 ? `lost requests began ${Math.min(...began)} to ${Math.max(...began)} ms after it` : '';
  process.stdout.write(`\n${reportText({ ...report, losses: losses.slice(0, 2) })}\n${span}\n`);
  const [firstAtMs, lastAtMs] = [faultAtMs - underWayMs, silentAtMs + noticedAfterMs];
  expect(losses.filter(({ startedAt }) => startedAt < firstAtMs || startedAt > lastAtMs)).toEqual([]);
  expect(report.notSent).toBe(0);
}

beforeAll(async () => {
  stage = await installedStage(clock, cluster);
  await stage.makeNamespace(namespace);
  virtualAddress = await stage.deploy(namespace);
}, 240_000);

afterAll(() => stage?.end(), 240_000);

describe('of a node that is cut off from everything for 20 s, direction:', () => {
  test.each<CutDirection>(['in', 'out', 'both'])(
    '%s: only what was sent to it until CLB noticed is lost, and nothing is deregistered',
    async direction => {
      const node = await stage.nodeOfNoCoordinator();
      const others = (await stage.pods(namespace)).filter(({ spec }) => spec.nodeName !== node);
      let cutAtMs = 0;
      const report = await stage.load(virtualAddress, async () => {
        cutAtMs = clock.wallNow();
        await cutNode(cluster, node, direction);
        try {
          await pause(cutMs);
        } finally {
          await mendNode(cluster, node);
        }
        await pause(noticedAfterMs);
      });
      expectLossesOnlyOf(cutAtMs, cutAtMs, report);
      const writes = writesSince(cutAtMs);
      expect(writes.filter(write => write.startsWith('target-deregistered'))).toEqual([]);
      const ofOthers = others.map(({ status }) => ` ${status?.podIP} `);
      expect(writes.filter(write => ofOthers.some(address => write.includes(address)))).toEqual([]);
    },
    timeoutMs,
  );

  test(
    'and the next rolling update is as good as any',
    () => stage.updateLosesNothing(namespace, virtualAddress),
    timeoutMs,
  );
});

describe('a node object that is deleted', () => {
  test(
    'takes no Pod out of traffic: no target is touched, and nothing is lost when its kubelet makes it anew',
    async () => {
      const node = await stage.nodeOfNoCoordinator();
      const sinceMs = clock.wallNow();
      const report = await stage.load(virtualAddress, async () => {
        await cluster.kubectl(['delete', 'node', node]);
        await pause(awayMs);
        expect(writesSince(sinceMs)).toEqual([]);
        // Only a kubelet that starts makes its Node; it calls Pods not ready until it has probed them.
        await killDaemon(cluster, node, 'kubelet');
        await cluster.kubectl(['wait', '--for=create', `node/${node}`, '--timeout=20s']);
        await cluster.kubectl(['wait', '--for=condition=Ready', `node/${node}`, '--timeout=20s']);
        await pause(noticedAfterMs);
      });
      process.stdout.write(`\n${reportText(report)}\n`);
      expectNothingLost(report);
      expect(writesSince(sinceMs).filter(write => write.startsWith('target-deregistered'))).toEqual([]);
    },
    timeoutMs,
  );

  test(
    'and the next rolling update is as good as any',
    () => stage.updateLosesNothing(namespace, virtualAddress),
    timeoutMs,
  );
});

describe('a node whose processes are frozen, then killed, and which comes back', () => {
  test(
    'costs what was sent to it until CLB noticed that it was killed; its Pods come back with other addresses, which take the place of the old',
    async () => {
      const node = await stage.nodeOfNoCoordinator();
      const old = await addressesOn(node);
      let frozenAtMs = 0;
      let killedAtMs = 0;
      const report = await stage.load(virtualAddress, async () => {
        frozenAtMs = clock.wallNow();
        await freezeNode(cluster, node);
        await pause(frozenMs);
        killedAtMs = clock.wallNow();
        await cluster.stopNode(node);
        await pause(noticedAfterMs);
        expect(writesSince(frozenAtMs).filter(write => write.startsWith('target-deregistered'))).toEqual([]);
        const backAtMs = clock.wallNow();
        await cluster.startNode(node);
        await waitUntil(
          clock,
          'the Pods of the node to be open at other addresses, and gone from the old',
          120_000,
          async () => {
            const writes = writesSince(frozenAtMs);
            const now = await addressesOn(node);
            const gone = old.every(address =>
              writes.some(write => write.startsWith(`target-deregistered ${address} `)),
            );
            const open = now.every(address => writes.some(write => new RegExp(`${address} [1-9]`).test(write)));
            return gone && open && now.every(address => address !== '' && !old.includes(address));
          },
        );
        process.stdout.write(
          `\nits Pods were open, and gone from their old addresses, ${clock.wallNow() - backAtMs} ms after it had started\n`,
        );
        await pause(noticedAfterMs);
      });
      expectLossesOnlyOf(frozenAtMs, killedAtMs, report);
    },
    timeoutMs,
  );

  test(
    'serves again, and the next rolling update is as good as any',
    async () => {
      for (const selector of ['component=agent', 'name=clb-direct'])
        await cluster.kubectl([
          'wait',
          '--for=condition=Ready',
          'pods',
          '--namespace=clb-direct',
          `--selector=app.kubernetes.io/${selector}`,
          '--timeout=60s',
        ]);
      await cluster.kubectl([
        'wait',
        '--for=condition=Ready',
        'pods',
        '--all',
        `--namespace=${namespace}`,
        '--timeout=60s',
      ]);
      await stage.updateLosesNothing(namespace, virtualAddress);
    },
    timeoutMs,
  );
});
