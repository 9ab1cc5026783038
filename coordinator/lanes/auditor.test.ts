import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { type Audit, type AuditedLane, Auditor } from './auditor.ts';
import { cloudError, FakeCloud } from './fake-cloud.ts';
import { LaneBench } from './lane.fixture.ts';

const KEY = 'lbl-0||10.0.0.1|80';
const PERIOD_MS = 180_000;

describe('an audit of a lane', () => {
  let bench: LaneBench;
  let audits: Audit[];
  let running: Promise<void>;
  beforeEach(async () => {
    bench = new LaneBench();
    audits = [];
    const { cloud, clock, lane, stop, poller } = bench;
    const auditor = new Auditor({ cloud, clock, log: silentLogger, onDifference: audit => audits.push(audit) });
    bench.addReadyPods(3);
    bench.start();
    auditor.attach(lane);
    running = auditor.run(stop.signal);
    await clock.advance(60_000);
    // Health would tell of most of it earlier.
    poller.detach(lane);
  });
  afterEach(async () => {
    await bench.close();
    await running;
  });

  async function untilAudited(): Promise<void> {
    const { length } = audits;
    await bench.clock.advanceUntil(() => audits.length > length, PERIOD_MS + 10_000);
    await bench.clock.advance(2_000);
  }

  test('finds nothing where nothing was changed, and says so', async () => {
    await untilAudited();
    expect(audits).toEqual([{ loadBalancerId: 'lb-1', differences: [] }]);
    expect(bench.foreign).toEqual([]);
  });

  test('finds a target that was removed behind our back; it is bound again, and told, since its Pod lives', async () => {
    bench.cloud.bindings.delete(KEY);
    await untilAudited();
    expect(audits[0]?.differences).toMatchObject([{ kind: 'missing', key: KEY, podUid: bench.podUid(0) }]);
    expect(bench.cloud.bindings.has(KEY)).toBe(true);
    expect(bench.foreign).toHaveLength(1);
  });

  test('finds a weight that somebody changed, sets it back and tells', async () => {
    const bound = bench.cloud.bindings.get(KEY);
    if (bound) bench.cloud.bindings.set(KEY, { ...bound, weight: 0 });
    await untilAudited();
    expect(audits[0]?.differences).toMatchObject([{ kind: 'weight', key: KEY }]);
    expect(bench.cloud.bindings.get(KEY)?.weight).toBe(10);
    expect(bench.foreign).toMatchObject([{ kind: 'weight' }]);
  });

  test('finds a foreign target on our rule, tells, and leaves it alone (L6)', async () => {
    const place = { listenerId: 'lbl-0', locationId: '', address: '10.7.7.7', port: 80 };
    bench.cloud.bindings.set('foreign', { ...place, weight: 10, tag: '' });
    await untilAudited();
    expect(audits[0]?.differences).toMatchObject([{ kind: 'foreign', place: { address: '10.7.7.7' } }]);
    expect(bench.foreign).toHaveLength(1);
    expect(bench.cloud.bindings.has('foreign')).toBe(true);
  });

  test('finds that a target has come to carry no mark of ours', async () => {
    const bound = bench.cloud.bindings.get(KEY);
    if (bound) bench.cloud.bindings.set(KEY, { ...bound, tag: 'mine now' });
    await untilAudited();
    expect(bench.foreign).toMatchObject([{ kind: 'foreign', podUid: bench.podUid(0) }]);
  });

  test('takes what changes by our own hand meanwhile for no difference, and knows less of it than a later read', async () => {
    bench.cloud.readMs = 2_000;
    const { length } = bench.cloud.reads;
    const isReadingTargets = () => bench.cloud.reads.slice(length).some(({ action }) => action === 'targets');
    await bench.clock.advanceUntil(isReadingTargets, PERIOD_MS);
    bench.cloud.readMs = 20;
    bench.delete(0);
    await bench.clock.advance(1_000);
    expect(audits).toEqual([]);
    await untilAudited();
    expect(audits[0]?.differences).toEqual([]);
    expect(bench.lane.targetsOf(bench.podUid(0))[0]?.target.bound?.weight).toBe(0);
    expect(bench.writes('weights')).toHaveLength(1);
  });

  test('that began before a change of listeners says nothing', async () => {
    bench.cloud.readMs = 2_000;
    await bench.clock.advance(PERIOD_MS - 60_000 - 100);
    bench.wantedPort = 81;
    bench.demand();
    await bench.clock.advance(10_000);
    expect(audits).toEqual([]);
    expect(bench.lane.listeners.map(({ port }) => port)).toEqual([80, 81]);
  });
});

describe('the auditor', () => {
  test('goes round all load balancers at one request a second at most, background for all of them', async () => {
    const clock = new VirtualClock();
    const cloud = new FakeCloud(clock);
    const stop = new AbortController();
    cloud.listeners = [{ id: 'lbl', name: '', protocol: 'TCP', port: 80, healthCheck: true, forwardingRules: [] }];
    const audited: string[] = [];
    const auditor = new Auditor({
      cloud,
      clock,
      log: silentLogger,
      onDifference: audit => audited.push(audit.loadBalancerId),
    });
    const lane = (index: number): AuditedLane => ({
      loadBalancerId: `lb-${index}`,
      observed: true,
      takeAudit: () => [],
    });
    for (let index = 0; index < 200; index += 1) auditor.attach(lane(index));
    const running = auditor.run(stop.signal);
    await clock.advance(PERIOD_MS + 400_000);
    expect(cloud.reads.length).toBeLessThanOrEqual(402);
    expect(new Set(audited).size).toBe(200);
    stop.abort();
    await clock.advance(1_000);
    await running;
  });

  test('goes on after a load balancer that cannot be read', async () => {
    const clock = new VirtualClock();
    const cloud = new FakeCloud(clock);
    const stop = new AbortController();
    const { describeListeners } = cloud;
    cloud.describeListeners = async (id, signal) =>
      id === 'lb-bad' ? { ok: false, error: cloudError({}) } : describeListeners(id, signal);
    const audited: string[] = [];
    const auditor = new Auditor({
      cloud,
      clock,
      log: silentLogger,
      onDifference: audit => audited.push(audit.loadBalancerId),
    });
    for (const loadBalancerId of ['lb-bad', 'lb-good']) {
      auditor.attach({ loadBalancerId, observed: true, takeAudit: () => [] });
    }
    const running = auditor.run(stop.signal);
    await clock.advance(PERIOD_MS + 10_000);
    expect(audited).toEqual(['lb-good']);
    stop.abort();
    await clock.advance(1_000);
    await running;
  });
});
