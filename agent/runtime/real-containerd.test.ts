import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { waitUntil } from '../../test/cluster/wait.ts';
import { noMetrics } from '../metrics.ts';
import type { RuntimeExitKind } from './exit-kind.ts';
import { nodeRuntime } from './node-runtime.ts';
import { RealContainerd, whyNoContainerd } from './real-containerd.fixture.ts';
import type { RuntimeSource } from './source.ts';

const reason = whyNoContainerd();
const KILLS = 40;
/** Measured 4 ms; what a busy machine makes of it. */
const EXIT_P99_MS = 250;
const WAIT_MS = 10_000;
const uid = (number: number) => `11111111-2222-3333-4444-00000000000${number}`;

describe('a real containerd', () => {
  const clock = systemClock();
  const stop = new AbortController();
  const exits: { readonly containerId: string; readonly podUid: string; readonly at: number }[] = [];
  const kinds: RuntimeExitKind[] = [];
  let gaps = 0;
  let isFollowed = false;
  let containerd: RealContainerd;
  let source: RuntimeSource;
  let followed: Promise<void> | undefined;

  beforeEach(({ skip }) => {
    if (reason !== undefined) skip(reason);
  });
  beforeAll(async () => {
    if (reason !== undefined) return;
    containerd = await RealContainerd.start(clock);
    source = nodeRuntime({
      choice: 'auto',
      socketPath: containerd.socketPath,
      procRoot: '/proc',
      clock,
      random: seededRandom(1),
      log: silentLogger,
      metrics: {
        ...noMetrics(),
        runtimeExit: kind => kinds.push(kind),
        runtimeFollowed: now => {
          isFollowed = now;
        },
        runtimeGap: () => {
          gaps += 1;
        },
      },
    });
    followed = (async () => {
      for await (const { containerId, podUid } of source.exits(stop.signal)) {
        exits.push({ containerId, podUid, at: clock.now() });
      }
    })();
    await until('the events to be followed', () => isFollowed);
  }, 60_000);
  afterAll(async () => {
    stop.abort();
    await followed;
    await containerd?.[Symbol.asyncDispose]();
  }, 60_000);

  const until = (what: string, holds: () => boolean) => waitUntil(clock, what, WAIT_MS, holds);
  const exitOf = (id: string) => exits.find(({ containerId }) => containerId === id);

  /** How long after its death a container's exit was told, in milliseconds. */
  async function kill(id: string): Promise<number> {
    const processId = containerd.processIdOf(id);
    const killedAt = clock.now();
    process.kill(processId, 'SIGKILL');
    await until('its exit', () => exitOf(id) !== undefined);
    return (exitOf(id)?.at ?? Number.NaN) - killedAt;
  }

  test(`tells of ${KILLS} killed containers within milliseconds`, async () => {
    const pod = await containerd.runPod(uid(1));
    const tookMs: number[] = [];
    for (let attempt = 0; attempt < KILLS; attempt += 1) {
      tookMs.push(await kill(await containerd.runContainer(pod, 'web', attempt)));
    }
    expect(new Set(exits.map(({ podUid }) => podUid))).toEqual(new Set([uid(1)]));
    expect(exits).toHaveLength(KILLS);
    const [p50, p99] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
    console.log(`kill to told: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${KILLS} kills`);
    expect(p99).toBeLessThan(EXIT_P99_MS);
  }, 120_000);

  test('tells of a container that ends as soon as it has started', async () => {
    const pod = await containerd.runPod(uid(2));
    const id = await containerd.runContainer(pod, 'web', 0, ['/bin/true']);
    await until('its exit', () => exitOf(id) !== undefined);
    expect(exitOf(id)).toMatchObject({ podUid: uid(2) });
  });

  test('lets the end of an exec pass', async () => {
    const pod = await containerd.runPod(uid(3));
    const id = await containerd.runContainer(pod, 'web', 0);
    const before = kinds.length;
    expect(await containerd.exec(id, ['/bin/true'])).toBe(0);
    await until('the end of the exec', () => kinds.length > before);
    expect(kinds.slice(before)).toEqual(['exec']);
    expect(exitOf(id)).toBeUndefined();
  });

  test("does not take the end of a Pod's pause process for that of its containers", async () => {
    const pod = await containerd.runPod(uid(4));
    const id = await containerd.runContainer(pod, 'web', 0);
    const [processId] = await source.processIds(uid(4));
    expect(await processIdInside(containerd.processIdOf(pod.sandboxId))).toBe(processId);
    const before = kinds.length;
    process.kill(containerd.processIdOf(pod.sandboxId), 'SIGKILL');
    await until('the end of the sandbox', () => kinds.length > before);
    expect(kinds.slice(before)).toEqual(['sandbox']);
    expect(exitOf(id)).toBeUndefined();
    expect(await source.hasSandbox(uid(4))).toBe(true);
    await kill(id);
    await waitUntil(clock, 'the runtime to know', WAIT_MS, async () => !(await source.hasSandbox(uid(4))));
  });

  test('buries nobody when it is killed and started again, and tells of who died meanwhile', async () => {
    const pod = await containerd.runPod(uid(5));
    const living = await containerd.runContainer(pod, 'living', 0);
    const dying = await containerd.runContainer(pod, 'dying', 0);
    const before = gaps;
    const restarted = containerd.restart();
    process.kill(containerd.processIdOf(dying), 'SIGKILL');
    await restarted;
    await until('the exit in the gap', () => exitOf(dying) !== undefined);
    await until('the events to be followed again', () => isFollowed);
    expect(gaps).toBe(before + 1);
    expect(exitOf(living)).toBeUndefined();
    await kill(living);
  }, 60_000);
});

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

/** As the runtime sees it, in the innermost pid namespace that is not the container's own. */
async function processIdInside(processId: number): Promise<number> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8');
  const ids = /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
  return Number(ids[1]);
}
