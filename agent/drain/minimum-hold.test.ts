import { describe, expect, test } from 'vitest';
import { DrainPhase, DrainState } from '../../proto/gen/clbdirect/v1/report.ts';
import { DEFAULT_DRAIN_LIMITS } from './drain-limits.ts';
import { connection, DELETED, ModelledDrain, RUNNING } from './modelled-drain.ts';

const HELD = { ...DELETED, minimumHoldSeconds: 20 };
const IDLE_LIMITS = { ...DEFAULT_DRAIN_LIMITS, idleMs: 5_000 };

describe('a Pod that asks for a minimum hold', () => {
  test('is drained at once, and its call answered when the hold is over', () => {
    const run = new ModelledDrain(HELD).update(DrainState.WEIGHT_ZERO).until(5_000);
    expect(run.phases).toEqual([DrainPhase.BEGIN, DrainPhase.CONNECTIONS_ENDED]);
    run.update(DrainState.DEREGISTERED).until(19_999);
    expect(run.answer).toBeUndefined();
    expect(run.until(60_000).answer).toEqual({ reason: 'drained', at: 20_000 });
  });

  test('tells how long the load balancer took, not how long it asked for', () => {
    const run = new ModelledDrain(HELD).update(DrainState.WEIGHT_ZERO).until(5_000).update(DrainState.DEREGISTERED);
    const { stageMs, heldMs } = run.until(60_000).outcome ?? {};
    expect(heldMs).toBe(20_000);
    expect(stageMs?.deregistering).toBeLessThan(5_000);
  });

  test('is held no longer than its drain takes', () => {
    const run = new ModelledDrain(HELD).update(DrainState.WEIGHT_ZERO).until(25_000).update(DrainState.DEREGISTERED);
    expect(run.answer).toEqual({ reason: 'drained', at: 25_000 });
  });

  test('is held though no load balancer sends to it: other clients were slept for too', () => {
    const run = new ModelledDrain(HELD).update(DrainState.DEREGISTERED).until(60_000);
    expect(run.answer).toEqual({ reason: 'drained', at: 20_000 });
  });

  test('is held without any coordinator, and drained by one that comes in the meantime', () => {
    const lonely = new ModelledDrain(HELD, { connectedCoordinators: 0 }).until(60_000);
    expect(lonely.answer).toEqual({ reason: 'no-coordinator', at: 20_000 });
    const found = new ModelledDrain(HELD, { connectedCoordinators: 0 }).until(10_000);
    found.step({ type: 'coordinators', connected: 1 }).update(DrainState.WEIGHT_ZERO).until(19_000);
    expect(found.phases).toContain(DrainPhase.CONNECTIONS_ENDED);
    expect(found.update(DrainState.DEREGISTERED).until(60_000).answer).toEqual({ reason: 'drained', at: 20_000 });
  });

  test('is held though every coordinator only observes, as its sleep was', () => {
    const observed = { connectedCoordinators: 0, observing: 1 };
    expect(new ModelledDrain(HELD, observed).until(60_000).answer).toEqual({ reason: 'observing', at: 20_000 });
  });

  test('is held where no coordinator takes the request', () => {
    expect(new ModelledDrain(HELD).until(60_000).answer).toEqual({ reason: 'no-leader', at: 20_000 });
  });

  test('is held when its connections have all become idle', () => {
    const run = new ModelledDrain(HELD, { limits: IDLE_LIMITS });
    run.connections = [connection(1, 60_000)];
    run.update(DrainState.WEIGHT_ZERO).until(60_000);
    expect(run.answer?.reason).toBe('idle-connections');
    expect(run.answer?.at).toBeGreaterThanOrEqual(20_000);
    expect(run.answer?.at).toBeLessThan(21_500);
  });

  test('is held at a restart too, as its sleep was', () => {
    const run = new ModelledDrain({ ...RUNNING, minimumHoldSeconds: 8 }).update(DrainState.WEIGHT_ZERO).until(60_000);
    expect(run.answer?.reason).toBe('restart');
    expect(run.answer?.at).toBeGreaterThanOrEqual(8_000);
  });

  test('is let go when its containers have exited', () => {
    const run = new ModelledDrain(HELD).until(3_000);
    run.step({ type: 'podChanged', facts: { ...HELD, haveContainersExited: true } });
    expect(run.answer).toEqual({ reason: 'containers-exited', at: 3_000 });
  });

  test('is let go after the second that the kubelet waits when it is deleted by force', () => {
    expect(new ModelledDrain({ ...HELD, deletionGraceSeconds: 0 }).until(60_000).answer?.at).toBe(1_000);
  });
});
