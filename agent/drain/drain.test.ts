import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import { DrainPhase, DrainState } from '../../proto/gen/clbdirect/v1/report.ts';
import type { AnswerReason } from './answer-reason.ts';
import { budgetMs, minimumHoldMs } from './budget.ts';
import { DEFAULT_DRAIN_LIMITS as LIMITS } from './drain-limits.ts';
import { connection, DELETED, ModelledDrain, RUNNING, SETTLE_MS } from './modelled-drain.ts';
import type { PodFacts } from './pod-facts.ts';

describe('the drain of a deleted Pod', () => {
  test('asks for weight 0 at once', () => {
    expect(new ModelledDrain(DELETED).phases).toEqual([DrainPhase.BEGIN]);
  });

  test('ends only after weight 0, settling, two empty readings and deregistering', () => {
    const run = new ModelledDrain(DELETED).until(100).update(DrainState.WEIGHT_ZERO);
    run.until(100 + SETTLE_MS + 100);
    expect(run.phases).toEqual([DrainPhase.BEGIN]);
    run.until(100 + SETTLE_MS + 600);
    expect(run.phases).toEqual([DrainPhase.BEGIN, DrainPhase.CONNECTIONS_ENDED]);
    expect(run.answer).toBeUndefined();
    run.update(DrainState.DEREGISTERED);
    expect(run.answer?.reason).toBe('drained');
    expect(run.phases.at(-1)).toBe(DrainPhase.ANSWERED);
  });

  test('is over at once when no rule ever held the Pod', () => {
    const run = new ModelledDrain(DELETED).update(DrainState.DEREGISTERED);
    expect(run.answer).toEqual({ reason: 'drained', at: 0 });
  });

  test('waits for connections to the end of the budget, and deregisters nothing under them', () => {
    const run = new ModelledDrain(DELETED);
    run.connections = [connection(1)];
    run.update(DrainState.WEIGHT_ZERO).until(60_000);
    expect(run.answer?.reason).toBe('connections-left');
    expect(run.answer?.at).toBeCloseTo(30_000, -3);
    expect(run.phases).not.toContain(DrainPhase.CONNECTIONS_ENDED);
  });

  test('a connection that ends in the last seconds of the budget is not cut, though nothing is left to deregister in', () => {
    const run = new ModelledDrain(DELETED);
    run.connections = [connection(1)];
    run.update(DrainState.WEIGHT_ZERO).until(28_000);
    expect(run.answer).toBeUndefined();
    run.connections = [];
    run.until(60_000);
    expect(run.phases).toContain(DrainPhase.CONNECTIONS_ENDED);
    expect(run.answer?.at).toBeLessThanOrEqual(30_000);
  });

  test('settles anew when a connection comes after weight 0', () => {
    const run = new ModelledDrain(DELETED);
    run.connections = [connection(1)];
    run.update(DrainState.WEIGHT_ZERO).until(1_900);
    run.connections = [connection(1), connection(2)];
    run.until(2_100);
    run.connections = [];
    run.until(3_900);
    expect(run.phases).toEqual([DrainPhase.BEGIN]);
    run.until(4_600);
    expect(run.phases).toContain(DrainPhase.CONNECTIONS_ENDED);
  });

  test('deregisters first when new connections never stop coming', () => {
    const run = new ModelledDrain(DELETED).update(DrainState.WEIGHT_ZERO);
    for (let port = 1; run.now < 25_500; port += 1) {
      run.connections = [connection(port)];
      run.until(run.now + 300);
    }
    expect(run.phases).toEqual([DrainPhase.BEGIN, DrainPhase.CONNECTIONS_ENDED]);
    run.update(DrainState.DEREGISTERED);
    expect(run.answer?.reason).toBe('deregistered-with-connections');
  });

  test('leaves the target at weight 0 when connections cannot be read', () => {
    const run = new ModelledDrain(DELETED);
    run.connections = 'unreadable';
    run.update(DrainState.WEIGHT_ZERO).until(60_000);
    expect(run.answer?.reason).toBe('connections-unreadable');
    expect(run.phases).not.toContain(DrainPhase.CONNECTIONS_ENDED);
  });

  test('waits for the last UDP answers after settling', () => {
    const run = new ModelledDrain(DELETED);
    run.update(DrainState.WEIGHT_ZERO, { targetPorts: [{ port: 53, protocol: Protocol.UDP }] });
    run.until(SETTLE_MS + LIMITS.udpQuietMs - 1);
    expect(run.phases).toEqual([DrainPhase.BEGIN]);
    run.until(SETTLE_MS + LIMITS.udpQuietMs + 500);
    expect(run.phases).toContain(DrainPhase.CONNECTIONS_ENDED);
  });

  test('holds a Pod with UDP until the data plane has moved the flows that go on', () => {
    const run = new ModelledDrain(DELETED);
    run.update(DrainState.WEIGHT_ZERO, { targetPorts: [{ port: 53, protocol: Protocol.UDP }] });
    run.until(10_000).update(DrainState.DEREGISTERED);
    run.until(10_000 + SETTLE_MS - 1);
    expect(run.answer).toBeUndefined();
    run.until(10_000 + SETTLE_MS);
    expect(run.answer).toEqual({ reason: 'drained', at: 10_000 + SETTLE_MS });
  });

  test('holds no Pod with UDP beyond its budget', () => {
    const run = new ModelledDrain(DELETED);
    run.update(DrainState.WEIGHT_ZERO, { targetPorts: [{ port: 53, protocol: Protocol.UDP }] });
    run.until(29_000).update(DrainState.DEREGISTERED).until(40_000);
    expect(run.answer).toEqual({ reason: 'drained', at: 30_000 });
  });

  test('ends when the containers exit after the call', () => {
    const run = new ModelledDrain(DELETED).step({
      type: 'podChanged',
      facts: { ...DELETED, haveContainersExited: true },
    });
    expect(run.answer?.reason).toBe('containers-exited');
  });

  test('does not take an exit before the call for one after it', () => {
    const exited = { ...DELETED, haveContainersExited: true };
    expect(new ModelledDrain(exited).step({ type: 'podChanged', facts: exited }).answer).toBeUndefined();
  });
});

describe('a drain fails open', () => {
  test('3 s after the call when no coordinator is connected', () => {
    expect(new ModelledDrain(DELETED, { connectedCoordinators: 0 }).until(60_000).answer).toEqual({
      reason: 'no-coordinator',
      at: 3_000,
    });
  });

  test('not when a coordinator comes back within 3 s', () => {
    const run = new ModelledDrain(DELETED, { connectedCoordinators: 0 })
      .until(2_900)
      .step({ type: 'coordinators', connected: 1 })
      .until(14_000);
    expect(run.answer).toBeUndefined();
  });

  test('at once when the coordinators that are connected only observe', () => {
    const observed = { connectedCoordinators: 0, observing: 2 };
    expect(new ModelledDrain(DELETED, observed).until(1).answer).toEqual({ reason: 'observing', at: 0 });
  });

  test('at once when none but observing coordinators are left', () => {
    const run = new ModelledDrain(DELETED).update(DrainState.ACCEPTED).until(1_000);
    expect(run.step({ type: 'coordinators', connected: 0, observing: 1 }).answer).toEqual({
      reason: 'observing',
      at: 1_000,
    });
  });

  test('not because a coordinator observes beside one that may act', () => {
    const run = new ModelledDrain(DELETED, { connectedCoordinators: 1, observing: 1 }).update(DrainState.ACCEPTED);
    expect(run.until(20_000).answer).toBeUndefined();
  });

  test('at once when what holds the Pod is paused', () => {
    const run = new ModelledDrain(DELETED).update(DrainState.DEREGISTERED, { paused: true });
    expect(run.answer).toEqual({ reason: 'paused', at: 0 });
  });

  test('when what is not paused has been drained', () => {
    const run = new ModelledDrain(DELETED).update(DrainState.WEIGHT_ZERO, { paused: true }).until(4_000);
    expect(run.answer).toBeUndefined();
    expect(run.update(DrainState.DEREGISTERED, { paused: true }).answer).toEqual({ reason: 'paused', at: 4_000 });
  });

  test('when coordinators are connected but none takes the request', () => {
    expect(new ModelledDrain(DELETED).until(60_000).answer).toEqual({ reason: 'no-leader', at: LIMITS.leaderAnswerMs });
  });

  test('at the end of the budget when weight 0 was never read back', () => {
    const run = new ModelledDrain(DELETED).update(DrainState.ACCEPTED).until(60_000);
    expect(run.answer).toEqual({ reason: 'no-weight-zero', at: 30_000 });
  });

  test('at the end of the budget when deregistering is not confirmed', () => {
    const run = new ModelledDrain(DELETED).update(DrainState.WEIGHT_ZERO).until(60_000);
    expect(run.answer).toEqual({ reason: 'not-deregistered', at: 30_000 });
  });
});

describe('a call without deletion', () => {
  test('is a restart: its target stands at weight 0 and is not deregistered', () => {
    const run = new ModelledDrain(RUNNING).update(DrainState.WEIGHT_ZERO, { settleMs: 100 }).until(10_000);
    expect(run.answer?.reason).toBe('restart');
    expect(run.answer?.at).toBeGreaterThanOrEqual(LIMITS.restartAfterMs);
    expect(run.answer?.at).toBeLessThan(LIMITS.restartAfterMs + 300);
    expect(run.phases).not.toContain(DrainPhase.CONNECTIONS_ENDED);
  });

  test('is held 5 s at most', () => {
    const run = new ModelledDrain(RUNNING);
    run.connections = [connection(1)];
    run.update(DrainState.WEIGHT_ZERO).until(60_000);
    expect(run.answer).toEqual({ reason: 'connections-left', at: 5_000 });
  });

  test('becomes a full drain when the watch tells of the deletion after it, and says so to the coordinator', () => {
    const run = new ModelledDrain(RUNNING).until(1_000).step({ type: 'podChanged', facts: DELETED });
    expect(run.phases).toEqual([DrainPhase.BEGIN, DrainPhase.BEGIN]);
    expect(run.update(DrainState.ACCEPTED).until(29_000).answer).toBeUndefined();
  });

  test('of a Pod whose object vanishes was a forced deletion, for which the kubelet waits 1 s', () => {
    const run = new ModelledDrain(RUNNING).until(200).step({ type: 'podRemoved' }).until(60_000);
    expect(run.answer?.at).toBe(1_000);
  });
});

describe('the budget', () => {
  test.each([
    ['is 30 s when the grace period allows', DELETED, 30_000],
    ['is what the Pod names', { ...DELETED, drainSeconds: 10 }, 10_000],
    ['leaves 2 s of a short grace period', { ...DELETED, deletionGraceSeconds: 20 }, 18_000],
    ["leaves the application's share", { ...DELETED, deletionGraceSeconds: 40, applicationGraceSeconds: 25 }, 15_000],
    ['is the second that the kubelet always waits', { ...DELETED, deletionGraceSeconds: 0 }, 1_000],
    ['is nothing for a Pod that wants no drain', { ...DELETED, drainSeconds: 0 }, 0],
    ['is 5 s for a restart', RUNNING, 5_000],
    ['is the minimum hold if that is longer', { ...DELETED, minimumHoldSeconds: 45 }, 45_000],
    [
      'but leaves the application’s share of a minimum hold too',
      { ...DELETED, minimumHoldSeconds: 45, applicationGraceSeconds: 25 },
      35_000,
    ],
    ['is the minimum hold for a restart too', { ...RUNNING, minimumHoldSeconds: 20 }, 20_000],
    ['is capped', { ...DELETED, drainSeconds: 99_999, deletionGraceSeconds: 99_999 }, 3_600_000],
  ])('%s', (_, facts, expected) => {
    expect(budgetMs(facts, LIMITS)).toBe(expected);
  });
});

const WITHOUT_WEIGHT_ZERO: readonly AnswerReason[] = [
  'no-weight-zero',
  'no-coordinator',
  'no-leader',
  'observing',
  'containers-exited',
];

type WorldAction =
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'update'; readonly state: DrainState; readonly paused: boolean }
  | { readonly type: 'connections'; readonly ports: readonly number[] | undefined }
  | { readonly type: 'facts'; readonly facts: PodFacts }
  | { readonly type: 'coordinators'; readonly connected: number; readonly observing: number }
  | { readonly type: 'removed' };

const anyFacts = fc.record({
  drainSeconds: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined }),
  applicationGraceSeconds: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
  minimumHoldSeconds: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined }),
  deletionGraceSeconds: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined }),
  haveContainersExited: fc.boolean(),
});
const anyAction: fc.Arbitrary<WorldAction> = fc.oneof(
  fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 8_000 }) }),
  fc.record({
    type: fc.constant('update' as const),
    state: fc.constantFrom(...Object.values(DrainState)),
    paused: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('connections' as const),
    ports: fc.option(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }), { nil: undefined }),
  }),
  fc.record({ type: fc.constant('facts' as const), facts: anyFacts }),
  fc.record({
    type: fc.constant('coordinators' as const),
    connected: fc.integer({ min: 0, max: 2 }),
    observing: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({ type: fc.constant('removed' as const) }),
);

function perform(run: ModelledDrain, action: WorldAction): void {
  switch (action.type) {
    case 'wait':
      run.until(run.now + action.ms);
      break;
    case 'update':
      run.update(action.state, { paused: action.paused });
      break;
    case 'connections':
      run.connections = action.ports?.map(port => connection(port)) ?? 'unreadable';
      break;
    case 'facts':
      run.step({ type: 'podChanged', facts: action.facts });
      break;
    case 'coordinators':
      run.step(action);
      break;
    case 'removed':
      run.step({ type: 'podRemoved' });
      break;
  }
}

describe('whatever happens', () => {
  const story = fc.tuple(anyFacts, fc.array(anyAction, { maxLength: 40 }));

  test('the hook is answered within the largest budget the Pod ever had', () => {
    fc.assert(
      fc.property(story, ([facts, actions]) => {
        const run = new ModelledDrain(facts);
        const budgets = [facts, ...actions.flatMap(action => (action.type === 'facts' ? [action.facts] : []))].flatMap(
          known => [budgetMs(known, LIMITS), budgetMs({ ...known, deletionGraceSeconds: 0 }, LIMITS)],
        );
        for (const action of actions) perform(run, action);
        run.until(LIMITS.drainSecondsMax * 1_000);
        expect(run.answer).toBeDefined();
        expect(run.answer?.at).toBeLessThanOrEqual(Math.max(...budgets));
      }),
      { numRuns: 500 },
    );
  });

  test('no answer but the containers’ exit comes before the least of the minimum holds that the Pod ever had', () => {
    fc.assert(
      fc.property(story, ([facts, actions]) => {
        const run = new ModelledDrain(facts);
        const holds = [minimumHoldMs(facts, LIMITS), minimumHoldMs({ ...facts, deletionGraceSeconds: 0 }, LIMITS)];
        for (const action of actions) {
          if (action.type === 'facts') {
            const forced = { ...action.facts, deletionGraceSeconds: 0 };
            holds.push(minimumHoldMs(action.facts, LIMITS), minimumHoldMs(forced, LIMITS));
          }
          perform(run, action);
        }
        run.until(LIMITS.drainSecondsMax * 1_000);
        if (run.answer?.reason !== 'containers-exited') {
          expect(run.answer?.at).toBeGreaterThanOrEqual(Math.min(...holds));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('no answer comes before weight 0 was read back, but one that says so', () => {
    fc.assert(
      fc.property(story, ([facts, actions]) => {
        const run = new ModelledDrain(facts);
        let isWeightZero = false;
        for (const action of actions) {
          const state = action.type === 'update' ? action.state : undefined;
          isWeightZero ||= state === DrainState.WEIGHT_ZERO || state === DrainState.DEREGISTERED;
          perform(run, action);
          if (run.answer) break;
        }
        if (run.answer && !isWeightZero) expect(WITHOUT_WEIGHT_ZERO).toContain(run.answer.reason);
      }),
      { numRuns: 500 },
    );
  });

  test('deregistering is first asked for when the last reading found no connection, or when new ones keep coming', () => {
    fc.assert(
      fc.property(story, ([facts, actions]) => {
        const run = new ModelledDrain(facts);
        for (const action of actions) perform(run, action);
        const { reading, hasConnections } = run.deregistration ?? {};
        if (hasConnections === false) expect(reading).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});
