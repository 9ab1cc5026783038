import { describe, expect, test } from 'vitest';
import { DrainPhase, DrainState } from '../../proto/gen/clbdirect/v1/report.ts';
import { DEFAULT_DRAIN_LIMITS, IDLE_CONNECTION_MS } from './drain-limits.ts';
import { connection, DELETED, ModelledDrain, RUNNING, SETTLE_MS } from './modelled-drain.ts';

const LIMITS = { ...DEFAULT_DRAIN_LIMITS, idleMs: IDLE_CONNECTION_MS };
const IDLE = IDLE_CONNECTION_MS;
const askedForIdleTimes = (run: ModelledDrain) => run.readings.filter(({ withIdleTimes }) => withIdleTimes);

describe('a drain with connections left', () => {
  test('ends when all of them are idle after settling, with the target left at weight 0', () => {
    const run = new ModelledDrain(DELETED, { limits: LIMITS });
    run.connections = [connection(1, IDLE), connection(2, IDLE + 1)];
    run.update(DrainState.WEIGHT_ZERO).until(SETTLE_MS - 1);
    expect(run.answer).toBeUndefined();
    run.until(SETTLE_MS + 600);
    expect(run.answer?.reason).toBe('idle-connections');
    expect(run.phases).toEqual([DrainPhase.BEGIN, DrainPhase.ANSWERED]);
    expect(run.requests.at(-1)?.answer).toMatchObject({ reason: 'idle-connections', connectionsLeft: 2 });
  });

  test('goes on while one of them is not', () => {
    const run = new ModelledDrain(DELETED, { limits: LIMITS });
    run.connections = [connection(1, 60_000), connection(2, IDLE - 1)];
    expect(run.update(DrainState.WEIGHT_ZERO).until(29_000).answer).toBeUndefined();
  });

  test('goes on while of one of them nothing is known', () => {
    const run = new ModelledDrain(DELETED, { limits: LIMITS });
    run.connections = [connection(1, 60_000), connection(2)];
    expect(run.update(DrainState.WEIGHT_ZERO).until(29_000).answer).toBeUndefined();
  });

  test('settles anew for a new connection before idle ones may end it', () => {
    const run = new ModelledDrain(DELETED, { limits: LIMITS });
    run.connections = [connection(1, IDLE - 500)];
    run.update(DrainState.WEIGHT_ZERO).until(SETTLE_MS + 300);
    run.connections = [connection(1, IDLE), connection(2, IDLE)];
    run.until(SETTLE_MS + 300 + SETTLE_MS - 1);
    expect(run.answer).toBeUndefined();
    run.until(SETTLE_MS + 300 + SETTLE_MS + 1_500);
    expect(run.answer?.reason).toBe('idle-connections');
  });

  test('does not cut off those that come whatever the weight is because they are idle', () => {
    const run = new ModelledDrain(DELETED, { limits: LIMITS }).update(DrainState.WEIGHT_ZERO);
    for (let port = 1; run.now < 24_000; port += 1) {
      run.connections = [connection(port, IDLE)];
      run.until(run.now + 300);
    }
    expect(run.answer).toBeUndefined();
  });

  test('of a container that restarts may be left idle too', () => {
    const run = new ModelledDrain(RUNNING, { limits: LIMITS });
    run.connections = [connection(1, IDLE)];
    run.update(DrainState.WEIGHT_ZERO).until(SETTLE_MS + 600);
    expect(run.answer?.reason).toBe('idle-connections');
  });

  test('is held to the end of the budget where idle times are not read', () => {
    const run = new ModelledDrain(DELETED);
    run.connections = [connection(1, 60_000)];
    run.update(DrainState.WEIGHT_ZERO).until(60_000);
    expect(run.answer).toEqual({ reason: 'connections-left', at: 30_000 });
    expect(askedForIdleTimes(run)).toEqual([]);
  });
});

describe('idle times are asked for', () => {
  test('not before the data plane has settled, nor without connections', () => {
    const run = new ModelledDrain(DELETED, { limits: LIMITS }).update(DrainState.WEIGHT_ZERO);
    run.connections = [connection(1, 0)];
    run.until(SETTLE_MS - 100);
    run.connections = [];
    run.until(SETTLE_MS + 1_000);
    expect(askedForIdleTimes(run)).toEqual([]);
  });

  test('again only when the busiest connection can have become idle', () => {
    const run = new ModelledDrain(DELETED, { limits: LIMITS });
    run.connections = [connection(1, IDLE - 3_000), connection(2, IDLE)];
    run.update(DrainState.WEIGHT_ZERO).until(SETTLE_MS + 8_000);
    const [first, second] = askedForIdleTimes(run).map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(3_000);
    expect((second ?? 0) - (first ?? 0)).toBeLessThan(3_000 + 2 * LIMITS.readingIntervalMs);
  });

  test('once a second at most, though they cannot be read', () => {
    const run = new ModelledDrain(DELETED, { limits: { ...LIMITS, idleMs: 500 } });
    run.connections = [connection(1)];
    run.update(DrainState.WEIGHT_ZERO).until(SETTLE_MS + 10_000);
    expect(askedForIdleTimes(run).length).toBeLessThanOrEqual(11);
    expect(askedForIdleTimes(run).length).toBeGreaterThan(5);
  });
});
