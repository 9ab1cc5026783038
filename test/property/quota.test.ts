import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GateState } from '../../common/pod-record.ts';
import type { PodView } from '../../coordinator/core/cluster-view.ts';
import { weightOf } from '../../coordinator/core/disposition.ts';
import type { LanePlan } from '../../coordinator/core/lane-plan.ts';
import type { RuleState } from '../../coordinator/core/rule-state.ts';
import { anyOutcome, play, podStep } from './core-steps.ts';
import { type CoreWorld, serving } from './core-world.ts';

const anyRun = fc.record({
  serving: fc.nat({ max: 5 }),
  steps: fc.array(fc.tuple(podStep, anyOutcome), { minLength: 5, maxLength: 60 }),
});

/** A world whose rules take fewer targets than there are Pods. */
function crowded(run: { serving: number }, targetsPerRuleMax: number): CoreWorld {
  const world = serving(Math.min(run.serving, targetsPerRuleMax));
  world.targetsPerRuleMax = targetsPerRuleMax;
  return world;
}

function placesTaken(state: RuleState): number {
  return state.targets.filter(({ bound, transaction }) => bound || transaction?.operation === 'register').length;
}

function operationsOf(plan: LanePlan, ruleId: string) {
  return plan.operations.filter(operation => operation.ruleId === ruleId);
}

describe('at the quota', () => {
  test('no more targets are registered than CLB takes, whatever happens', () => {
    fc.assert(
      fc.property(anyRun, fc.integer({ min: 1, max: 4 }), (run, max) => {
        const inspect = (plan: LanePlan) => {
          for (const state of plan.states) {
            const registering = operationsOf(plan, state.rule.id).filter(({ kind }) => kind === 'register').length;
            if (registering > 0) expect(placesTaken(state) + registering).toBeLessThanOrEqual(max);
          }
        };
        play(run, inspect, crowded(run, max));
      }),
      { numRuns: 500 },
    );
  });

  test('at most one target of a rule gives its place at a time, and only while a gate waits for it', () => {
    fc.assert(
      fc.property(anyRun, fc.integer({ min: 1, max: 4 }), (run, max) => {
        const inspect = (plan: LanePlan) => {
          for (const { rule, targets } of plan.states) {
            const giving = operationsOf(plan, rule.id).filter(o => 'evidence' in o && o.evidence === 'quota').length;
            const waits = targets.some(({ bound, wanted }) => !bound && wanted?.pod.record.gate === GateState.CLOSED);
            expect(giving).toBeLessThanOrEqual(waits ? 1 : 0);
          }
        };
        play(run, inspect, crowded(run, max));
      }),
      { numRuns: 500 },
    );
  });

  test('with Pods that do not change any more, every gate opens and then nothing is written again', () => {
    fc.assert(
      fc.property(anyRun, fc.integer({ min: 2, max: 4 }), (run, max) => {
        const world = play(run, undefined, crowded(run, max));
        freeze(world);
        expect(minutesUntilQuiet(world)).toBeLessThan(120);
        const shut = [...world.view().pods.values()].filter(isGateWaiting);
        expect(shut.map(({ record }) => record.uid)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

const SERVICE = { service: { namespace: 'default', name: 'web', uid: 's1' } };

/** Weight 0 never takes the last open target, and until it is read the gate waits. */
function isGateWaiting({ record, deletionSeenAt }: PodView): boolean {
  const isWanted = record.labels.app === 'web' && record.ready && deletionSeenAt === undefined;
  return isWanted && record.gate === GateState.CLOSED && weightOf(record, SERVICE) > 0;
}

/** What has begun ends, and everything is reported. */
function freeze(world: CoreWorld): void {
  for (const index of world.pods.keys()) {
    world.finish(index);
    world.reportOne(index);
    world.confirm(index);
  }
}

/** Minutes until nothing was written for ten of them. */
function minutesUntilQuiet(world: CoreWorld): number {
  let quietMinutes = 0;
  for (let minutes = 0; minutes < 120; minutes += 1) {
    world.read();
    const isQuiet = world.plan()?.write === undefined;
    world.settle();
    world.allHealthy();
    world.settle();
    const opened = world.openGates();
    quietMinutes = isQuiet && opened === 0 ? quietMinutes + 1 : 0;
    if (quietMinutes === 10) return minutes;
    world.advance(60_000);
  }
  return 120;
}
