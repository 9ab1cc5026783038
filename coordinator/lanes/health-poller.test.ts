import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { CloudError } from '../cloud/types.ts';
import { cloudError, FakeCloud } from './fake-cloud.ts';
import { DEFAULT_HEALTH_TIMING, HealthPoller, type PolledLane } from './health-poller.ts';
import type { HealthNeed } from './lane.ts';

class StubLane implements PolledLane {
  readonly loadBalancerId: string;
  healthNeed: HealthNeed;
  readonly taken: number[] = [];
  /** As a lane does when it begins to need more. */
  begin: () => void = () => undefined;

  constructor(loadBalancerId: string, healthNeed: HealthNeed) {
    this.loadBalancerId = loadBalancerId;
    this.healthNeed = healthNeed;
  }
  watchHealthNeed(onHealthNeed: () => void): void {
    this.begin = onHealthNeed;
  }
  takeHealth({ startedAt }: { startedAt: number }): void {
    this.taken.push(startedAt);
  }
  readonly failures: string[] = [];
  readFailed({ code }: CloudError): void {
    this.failures.push(code);
  }
}

let clock: VirtualClock;
let cloud: FakeCloud;
let poller: HealthPoller;
let stop: AbortController;
let running: Promise<void>;
beforeEach(() => {
  clock = new VirtualClock();
  cloud = new FakeCloud(clock);
  poller = new HealthPoller({ cloud, clock, timing: DEFAULT_HEALTH_TIMING, log: silentLogger });
  stop = new AbortController();
  running = poller.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await clock.advance(0);
  await running;
});

function lanes(count: number, need: HealthNeed): StubLane[] {
  const made = Array.from({ length: count }, (_, index) => new StubLane(`lb-${need}-${index}`, need));
  for (const lane of made) poller.attach(lane);
  return made;
}

function calls(): number[] {
  return cloud.reads.map(read => read.ids.length);
}

describe('the health poller', () => {
  test('asks for up to 30 load balancers in one call', async () => {
    lanes(65, 'slow');
    await clock.advance(100);
    expect(calls()).toEqual([30, 30, 5]);
  });

  test('asks twice a second where somebody waits, every five seconds elsewhere, and never where nothing of ours is', async () => {
    const [fast] = lanes(1, 'fast');
    const [slow] = lanes(1, 'slow');
    const [none] = lanes(1, 'none');
    await clock.advance(10_000);
    expect(fast?.taken.length).toBeGreaterThanOrEqual(20);
    expect(slow?.taken.length).toBeLessThanOrEqual(3);
    expect(none?.taken).toEqual([]);
  });

  test('is woken by a lane that begins to wait', async () => {
    const [lane] = lanes(1, 'slow');
    await clock.advance(2_000);
    if (lane) lane.healthNeed = 'fast';
    lane?.begin();
    await clock.advance(30);
    expect(lane?.taken).toHaveLength(2);
  });

  test('keeps at most four calls under way, and those for which somebody waits go first', async () => {
    cloud.readMs = 10_000;
    const slow = lanes(300, 'slow');
    await clock.advance(1_000);
    expect(calls()).toHaveLength(4);
    const [fast] = lanes(1, 'fast');
    await clock.advance(9_100);
    expect(cloud.reads[4]?.ids).toContain(fast?.loadBalancerId);
    expect(slow.filter(lane => lane.taken.length > 0)).toHaveLength(120);
  });

  test('takes longer for a round of thousands, instead of using up the rate of the account', async () => {
    lanes(3_000, 'slow');
    await clock.advance(20_000);
    const before = cloud.reads.length;
    await clock.advance(20_000);
    expect(cloud.reads.length - before).toBeLessThanOrEqual(100);
  });

  test('loses sight of none because of one that CLB does not like (L10)', async () => {
    const { describeTargetHealth } = cloud;
    cloud.describeTargetHealth = async (ids, signal) =>
      ids.includes('lb-fast-7')
        ? { ok: false, error: cloudError({ class: 'terminal' }) }
        : describeTargetHealth(ids, signal);
    const all = lanes(20, 'fast');
    await clock.advance(1_000);
    expect(all.filter(lane => lane.taken.length === 0).map(lane => lane.loadBalancerId)).toEqual(['lb-fast-7']);
  });

  test('asks ever more rarely while CLB answers with errors, and soon again once it does not', async () => {
    const { describeTargetHealth } = cloud;
    let asked = 0;
    cloud.describeTargetHealth = async () => {
      asked += 1;
      return { ok: false, error: cloudError({ blames: 'account' }) };
    };
    const [lane] = lanes(1, 'fast');
    await clock.advance(60_000);
    expect(asked).toBeLessThan(20);
    expect(lane?.failures).toHaveLength(asked);
    cloud.describeTargetHealth = describeTargetHealth;
    await clock.advance(5_100);
    expect(lane?.taken.length).toBeGreaterThan(0);
  });

  test('forgets a lane that ended', async () => {
    const [lane] = lanes(1, 'fast');
    await clock.advance(10);
    if (lane) poller.detach(lane);
    await clock.advance(10_000);
    expect(cloud.reads).toHaveLength(1);
    expect(lane?.taken).toEqual([]);
  });
});
