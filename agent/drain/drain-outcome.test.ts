import { describe, expect, test } from 'vitest';
import { DrainPhase, DrainState } from '../../proto/gen/clbdirect/v1/report.ts';
import { describeOutcome } from './drain-outcome.ts';
import { connection, DELETED, ModelledDrain, RUNNING, SETTLE_MS } from './modelled-drain.ts';

const line = (run: ModelledDrain) => run.outcome && describeOutcome(run.outcome);

describe('the answer to a preStop call tells', () => {
  test('how a Pod was drained', () => {
    const run = new ModelledDrain(DELETED).until(100);
    run.connections = [connection(1), connection(2), connection(3)];
    run.update(DrainState.WEIGHT_ZERO).until(1_000);
    run.connections = [];
    run.until(3_000).update(DrainState.DEREGISTERED);
    expect(line(run)).toBe('drained after 3.0 s: weight 0 after 0.1 s, 3 connections ended, deregistered');
  });

  test('that no load balancer held the Pod', () => {
    const run = new ModelledDrain(DELETED).until(40).update(DrainState.DEREGISTERED);
    expect(line(run)).toBe('drained after 0.0 s: no load balancer sends to it');
  });

  test('what was left, and what becomes of it', () => {
    const run = new ModelledDrain(DELETED);
    run.connections = [connection(1), connection(2)];
    run.update(DrainState.WEIGHT_ZERO).until(10_000);
    run.connections = [connection(1)];
    run.until(60_000);
    expect(line(run)).toBe(
      'connections-left after 30.0 s: weight 0 after 0.0 s, 1 connection ended, 1 connection left; the target stays at weight 0 until the containers exit; raise drain-seconds if clients lost',
    );
  });

  test('what to look at when nothing could be done', () => {
    const run = new ModelledDrain(DELETED, { connectedCoordinators: 0 }).until(60_000);
    expect(line(run)).toBe(
      'no-coordinator after 3.0 s: no weight 0; check that a coordinator runs and that this node reaches it',
    );
  });

  test('that a container restarts', () => {
    const run = new ModelledDrain(RUNNING).update(DrainState.WEIGHT_ZERO, { settleMs: 100 }).until(10_000);
    expect(line(run)).toBe('restart after 2.0 s: weight 0 after 0.0 s');
  });
});

describe('the coordinator hears', () => {
  test('why the hook was answered, how long it was held, and what was left', () => {
    const run = new ModelledDrain(DELETED);
    run.connections = [connection(1)];
    run.update(DrainState.WEIGHT_ZERO).until(60_000);
    expect(run.requests.at(-1)).toMatchObject({
      phase: DrainPhase.ANSWERED,
      answer: { reason: 'connections-left', connectionsLeft: 1, heldMs: 30_000, lastArrivalMs: undefined },
    });
  });

  test('how long after weight 0 the last new connection came', () => {
    const run = new ModelledDrain(DELETED).until(500).update(DrainState.WEIGHT_ZERO).until(1_700);
    run.connections = [connection(1)];
    run.until(1_900);
    run.connections = [];
    run.until(10_000).update(DrainState.DEREGISTERED);
    expect(run.requests.at(-1)?.answer?.lastArrivalMs).toBe(1_400);
  });
});

describe('the stages of a drain', () => {
  test('add up to the time that the hook was held', () => {
    const run = new ModelledDrain(DELETED).until(100);
    run.connections = [connection(1)];
    run.update(DrainState.WEIGHT_ZERO).until(100 + SETTLE_MS + 1_000);
    run.connections = [];
    run.until(5_000).update(DrainState.DEREGISTERED);
    const { heldMs = 0, stageMs = {} } = run.outcome ?? {};
    expect(stageMs).toMatchObject({ 'weight-zero': 100, settling: SETTLE_MS });
    expect(stageMs.emptying).toBeGreaterThan(1_000);
    expect(Object.values(stageMs).reduce((sum, stage) => sum + stage, 0)).toBe(heldMs);
  });

  test('are none when weight 0 was never read back', () => {
    expect(new ModelledDrain(DELETED).update(DrainState.ACCEPTED).until(60_000).outcome?.stageMs).toEqual({});
  });
});
