import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sleep, systemClock } from '../../../common/clock.ts';
import { reportText } from '../../../sandbox/load/report-text.ts';
import { etcdPort } from '../addresses.ts';
import { openCluster } from '../harness.ts';
import { expectNothingLost, type InstalledStage, installedStage } from '../product/installed-stage.ts';
import { targetWrites } from '../product/target-writes.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);
const namespace = 'control-plane';
const timeoutMs = 300_000;
const downMs = 60_000;
const compactionIntervalMs = 500;
const settleMs = 20_000;

let stage: InstalledStage;
let virtualAddress = '';

const pause = (delayMs: number) => sleep(clock, delayMs, new AbortController().signal);

async function askEtcd<Answer>(path: string, body: object): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${etcdPort}/v3/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** Forgets every revision but the newest. */
async function compact(): Promise<void> {
  const { header } = await askEtcd<{ header: { revision: string } }>('kv/range', { key: 'AA==' });
  await askEtcd('kv/compaction', { revision: header.revision, physical: true }).catch((error: Error) => {
    // Nothing was written since.
    if (!error.message.includes('has been compacted')) throw error;
  });
}

beforeAll(async () => {
  stage = await installedStage(clock, cluster);
  await stage.makeNamespace(namespace);
  virtualAddress = await stage.deploy(namespace);
}, 240_000);

afterAll(() => stage?.end(), 240_000);

describe('the API server', () => {
  test(
    'is away for a minute, and etcd is compacted meanwhile: nothing is lost, no target is touched',
    async () => {
      const sinceMs = clock.wallNow();
      const report = await stage.load(virtualAddress, async () => {
        await cluster.stopApiServer();
        await pause(downMs);
        await compact();
        await cluster.startApiServer();
        await pause(settleMs);
      });
      process.stdout.write(`\n${reportText(report)}\n`);
      expectNothingLost(report);
      expect(targetWrites(stage.product.journal(), sinceMs)).toEqual([]);
    },
    timeoutMs,
  );

  test(
    'is back, and the next rolling update is as good as any, while etcd is compacted twice a second',
    async () => {
      await stage.updateLosesNothing(namespace, virtualAddress, async () => {
        let isOver = false;
        const updated = stage.update(namespace).finally(() => {
          isOver = true;
        });
        for (; !isOver; await pause(compactionIntervalMs)) await compact();
        await updated;
      });
    },
    timeoutMs,
  );
});
