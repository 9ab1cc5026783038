import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContainerState, GateState, PodPhase, type PodRecord } from '../../common/pod-record.ts';
import { bindingKey } from '../../coordinator/core/binding-key.ts';
import { weightOf } from '../../coordinator/core/disposition.ts';
import { isOpen, isWeighted } from '../../coordinator/core/floor.ts';
import { gateDecision } from '../../coordinator/core/gate.ts';
import { DEFAULT_PLAN_LIMITS } from '../../coordinator/core/lane-plan.ts';
import { isAnyMark, parseMark } from '../../coordinator/core/mark.ts';
import { bindingAt, bindingsOf, healthAt } from '../../coordinator/core/observation.ts';
import { selects, targetPortOf } from '../../coordinator/core/rule.ts';
import { type PlacedRule, placeOf, type RuleState, type RuleTarget } from '../../coordinator/core/rule-state.ts';
import { CLOSED_DRAIN_MS } from '../../coordinator/core/switch.ts';
import type { TargetOperation } from '../../coordinator/core/target-operation.ts';
import { anyRun, explore, play } from './core-steps.ts';
import { CoreWorld, serving } from './core-world.ts';
import { deleted, exited, ready } from './pod-changes.ts';

/** Whether the world, not the plan, holds evidence against this Pod on this rule (law L1). */
function hasEvidence(operation: TargetOperation, world: CoreWorld): boolean {
  const pod = world.pods.find(candidate => candidate.record.uid === operation.podUid);
  const rule = world.rules.find(candidate => candidate.id === operation.ruleId);
  if (!pod || !rule) return false;
  const { record } = pod;
  const hooked = world.drains.has(record.uid);
  const stored = world.store.pods.get(record.uid)?.record;
  return (
    pod.gone ||
    record.deletion !== undefined ||
    hooked ||
    world.view().pods.get(record.uid)?.nodeSign !== undefined ||
    record.phase === PodPhase.SUCCEEDED ||
    stored?.containers.some(container => container.state === ContainerState.EXITED) === true ||
    stored?.ready === false ||
    (stored !== undefined && isPutOutOfUse(operation, rule, stored)) ||
    (takes(operation) && operation.evidence === 'quota' && isCrowded(rule, world))
  );
}

/**
 * More targets stand on the rule or want to than CLB takes there, those at its former port and foreign ones included: one
 * may go for another's sake.
 */
function isCrowded(rule: PlacedRule, world: CoreWorld): boolean {
  const keys = [...world.cloud.keys()].filter(key => key.startsWith(`${rule.place.listenerId}|`));
  const wanted = [...world.view().pods.values()].map(pod => placeOf(rule, pod));
  return (
    new Set([...keys, ...wanted.flatMap(place => (place ? [bindingKey(place)] : []))]).size > world.targetsPerRuleMax
  );
}

/** By the user: another selector or port, or weight 0. */
function isPutOutOfUse(operation: TargetOperation, rule: PlacedRule, record: PodRecord): boolean {
  const isElsewhere = !selects(rule, record) || targetPortOf(rule, record) !== operation.place.port;
  return isElsewhere || weightOf(record, rule) === 0;
}

function takes(operation: TargetOperation): operation is Extract<TargetOperation, { kind: 'close' | 'deregister' }> {
  return operation.kind === 'close' || operation.kind === 'deregister';
}

function isWeakInTruth(operation: TargetOperation, world: CoreWorld): boolean {
  const pod = world.pods.find(candidate => candidate.record.uid === operation.podUid);
  const stored = world.store.pods.get(operation.podUid);
  const exits = stored?.record.containers.some(container => container.state === ContainerState.EXITED) === true;
  return pod !== undefined && !pod.gone && stored?.deletionSeenAt === undefined && !exits;
}

/** What a rule could carry before targets were put out of use, and which those are. */
interface Capacity {
  readonly weighted: number;
  readonly keys: ReadonlySet<string>;
}

function capacityOf(state: RuleState, known: ReadonlyMap<string, Capacity>): Capacity {
  const before = known.get(state.rule.id);
  const keys = new Set(state.targets.filter(isOutOfUse).map(target => target.key));
  const isBegun = before !== undefined && before.keys.size > 0;
  const grew = [...keys].some(key => !before?.keys.has(key));
  const weighted = state.targets.filter(isWeighted).length;
  return { keys, weighted: Math.max(isBegun ? before.weighted : 0, !isBegun || grew ? weighted : 0) };
}

function isOutOfUse({ bound, wanted }: RuleTarget): boolean {
  if (!bound?.owner || bound.weight === 0) return false;
  if (wanted?.pod.record.uid !== bound.owner.record.uid) return true;
  const { disposition } = wanted;
  if (disposition.kind === 'drain') return disposition.evidence === 'node';
  return disposition.kind === 'serve' && (disposition.weight === 0 || wanted.pod.nodeSign !== undefined);
}

/** How much of the rule the weak ones of these closings take at least, beyond what new targets have replaced. */
function weakLoss(
  closings: readonly TargetOperation[],
  { state, world, capacity }: { state: RuleState; world: CoreWorld; capacity: Capacity | undefined },
): number {
  const closed = new Set(closings.map(operation => operation.key));
  const openAfter = state.targets.filter(target => isOpen(target) && !closed.has(target.key)).length;
  const weak = closings.filter(operation => isWeakInTruth(operation, world));
  const switched = weak.filter(operation => capacity?.keys.has(operation.key)).length;
  const missing = Math.max(0, (capacity?.weighted ?? 0) - openAfter);
  return weak.length - switched + Math.min(switched, missing);
}

describe('L1, absence never removes', () => {
  test('no target is closed or deregistered without evidence about its own Pod', () => {
    explore(() => (plan, world) => {
      for (const operation of (plan.write?.operations ?? []).filter(takes))
        expect(hasEvidence(operation, world)).toBe(true);
    });
  });

  test('a fresh leader that nobody has reported to changes nothing', () => {
    fc.assert(
      fc.property(anyRun, run => {
        const world = play(run);
        world.newLeader();
        world.read();
        expect(world.plan()?.write).toBeUndefined();
      }),
      { numRuns: 400 },
    );
  });

  test('an inconsistent snapshot that leaves Pods out removes none of them', () => {
    const world = serving(2);
    world.snapshot('n1', false);
    world.read();
    expect(world.plan()?.write).toBeUndefined();
  });

  test('a consistent snapshot without the Pod closes its target and removes it', () => {
    const world = serving(2);
    world.change(0, deleted);
    world.finish(0);
    world.snapshot('n1', true);
    expect(world.plan()?.write?.operations).toMatchObject(onBothRules({ kind: 'close', podUid: 'pod-1' }));
    world.settle();
    world.advance(CLOSED_DRAIN_MS);
    expect(world.plan()?.write?.operations).toMatchObject(onBothRules({ kind: 'deregister', podUid: 'pod-1' }));
  });
});

describe('L2, never empty by our hand', () => {
  test('weak evidence never closes the last open target of a rule', () => {
    explore(() => (plan, world) => {
      for (const rule of world.rules) {
        const closings = (plan.write?.operations ?? []).filter(o => o.ruleId === rule.id && o.kind === 'close');
        const closed = new Set(closings.map(o => o.key));
        const bindings = bindingsOf(world.lane.observation).filter(([, b]) => b.listenerId === rule.place.listenerId);
        const openBefore = bindings.filter(
          ([key, b]) => b.weight > 0 && isHealthy(world, key) && !isClosing(world, key),
        );
        const openAfter = openBefore.filter(([key]) => !closed.has(key));
        const weak = closings.filter(o => isWeakInTruth(o, world));
        const weakTookTheLast = openAfter.length === 0 && weak.some(o => openBefore.some(([key]) => key === o.key));
        expect(weakTookTheLast).toBe(false);
      }
    });
  });

  test('weak evidence never closes more of a rule in a minute than the brake allows', () => {
    explore(() => {
      const charges = new Map<string, number[]>();
      let capacities = new Map<string, Capacity>();
      let leader: unknown;
      return (plan, world) => {
        // A new leader starts its minute anew; what it inherits is a matter of its own test.
        if (leader !== world.store) charges.clear();
        if (leader !== world.store) capacities.clear();
        leader = world.store;
        capacities = new Map(plan.states.map(state => [state.rule.id, capacityOf(state, capacities)]));
        for (const state of plan.states) {
          const closings = (plan.write?.operations ?? []).filter(o => o.ruleId === state.rule.id && o.kind === 'close');
          const lost = weakLoss(closings, { state, world, capacity: capacities.get(state.rule.id) });
          const recent = (charges.get(state.rule.id) ?? []).filter(at => world.now - at < 60_000);
          const all = [...recent, ...Array<number>(lost).fill(world.now)];
          charges.set(state.rule.id, all);
          const bound = state.targets.filter(target => target.bound?.mark).length;
          const allowed = Math.max(1, Math.floor(bound * DEFAULT_PLAN_LIMITS.brake.share));
          if (lost > 0) expect(all.length).toBeLessThanOrEqual(allowed);
        }
      };
    });
  });

  test('the last open target is not set to 0 for its container’s exit', () => {
    const world = serving(1);
    world.change(0, exited);
    world.reportOne(0);
    const plan = world.plan();
    expect(plan?.write).toBeUndefined();
    expect(plan?.holds[0]?.reason).toBe('last-open-target');
  });

  test('a deleted Pod keeps the last open target only while its replacement starts', () => {
    const world = serving(1);
    world.addPod({ node: 'n2', address: '10.0.0.9', app: 'web' });
    world.reportOne(1);
    world.settle();
    world.change(0, deleted);
    world.reportOne(0);
    expect(world.plan()?.holds.map(hold => hold.reason)).toEqual(['last-open-target', 'last-open-target']);
    world.advance(50_001);
    expect(world.plan()?.write?.operations[0]).toMatchObject({ kind: 'close', evidence: 'deletion', podUid: 'pod-1' });
  });

  test('a deletion without a replacement closes even the last open target', () => {
    const world = serving(1);
    world.change(0, deleted);
    world.reportOne(0);
    expect(world.plan()?.write?.operations[0]).toMatchObject({ kind: 'close', evidence: 'deletion' });
  });
});

describe('L3, the gate tells the truth', () => {
  test('a gate opens only when every rule has the Pod healthy with its weight, in the cloud itself', () => {
    fc.assert(
      fc.property(anyRun, run => {
        const world = play(run);
        world.read();
        const plan = world.plan();
        for (const pod of world.view().pods.values()) {
          const rules = world.rules.filter(rule => selects(rule, pod.record));
          const targetAt = (_: string, key: string) =>
            plan?.states.flatMap(state => state.targets).find(target => target.key === key);
          const decision = gateDecision({ pod, rules, targetAt, provenUnselected: false });
          if (decision.status !== 'open') continue;
          expect(rules.length).toBeGreaterThan(0);
          for (const rule of rules) {
            const place = placeOf(rule, pod);
            const key = place ? bindingKey(place) : '';
            expect(world.cloud.get(key)).toMatchObject({ weight: weightOf(pod.record, rule), health: 'healthy' });
            expect(world.ownerOf(key)).toBe(pod.record.uid);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  test('a Pod that no rule selects keeps its gate shut until a consistent list has proven it', () => {
    const world = serving(1);
    const [pod] = [...world.view().pods.values()];
    if (!pod) throw new Error('the world has a Pod');
    const input = { pod, rules: [], targetAt: () => undefined };
    expect(gateDecision({ ...input, provenUnselected: false })).toEqual({ status: 'unknown' });
    expect(gateDecision({ ...input, provenUnselected: true })).toMatchObject({ status: 'open', reason: 'NotSelected' });
    expect(pod.record.gate).toBe(GateState.CLOSED);
  });

  test('health that was read before the binding changed hands says nothing about its new owner', () => {
    const world = serving(1);
    world.change(0, deleted);
    world.finish(0);
    world.reportOne(0);
    world.settle();
    world.advance(CLOSED_DRAIN_MS);
    world.settle();
    world.addPod({ node: 'n1', address: '10.0.0.1', app: 'web' });
    world.change(1, ready);
    world.reportOne(1);
    world.confirm(1);
    world.settle();
    const target = world.plan()?.states[0]?.targets[0];
    expect(target?.bound?.mark?.podUid).toBe('pod-2');
    expect(target?.bound?.health).toBe('unknown');
  });
});

describe('L5, identity is rule, address, port and Pod', () => {
  test('no operation hits a binding of another Pod, but to take over one whose owner is gone from there', () => {
    explore(() => (plan, world) => {
      for (const operation of plan.write?.operations ?? []) {
        const owner = world.ownerOf(operation.key);
        if (operation.kind !== 'adopt') expect([undefined, operation.podUid]).toContain(owner);
        else if (owner !== undefined && owner !== operation.podUid)
          expect(isThere(world, owner, operation)).toBe(false);
      }
    });
  });

  test('the next owner of an address is bound only after the old owner was read back as gone', () => {
    const world = serving(1);
    world.change(0, deleted);
    world.finish(0);
    world.reportOne(0);
    world.settle();
    world.advance(CLOSED_DRAIN_MS);
    const removal = world.plan()?.write;
    expect(removal?.operations).toMatchObject(onBothRules({ kind: 'deregister', podUid: 'pod-1' }));
    if (removal) world.send(removal, 'done');
    world.addReadyPod({ address: '10.0.0.1' });
    expect(world.plan()?.write).toBeUndefined();
    world.read();
    expect(world.plan()?.write?.operations).toMatchObject(onBothRules({ kind: 'register', podUid: 'pod-2' }));
  });

  test('the next owner of an address takes over what still stands of the old one, and nothing is removed', () => {
    const world = serving(1);
    world.change(0, deleted);
    world.finish(0);
    world.addPod({ node: 'n1', address: '10.0.0.1', app: 'web' });
    world.change(1, ready);
    world.snapshot('n1', true);
    world.confirm(1);
    expect(world.plan()?.write?.operations).toMatchObject(onBothRules({ kind: 'adopt', podUid: 'pod-2' }));
    world.settle();
    expect([...world.cloud.keys()].map(key => world.ownerOf(key))).toEqual(onBothRules('pod-2'));
  });
});

describe('L6, only what is ours', () => {
  test('a target without our mark is neither closed nor removed, and is named to the Pod that wants its place', () => {
    const world = new CoreWorld([{ port: 80, app: 'web' }]);
    world.addForeign(0, { address: '10.0.0.1', tag: 'somebody' });
    world.addPod({ node: 'n1', address: '10.0.0.1', app: 'web' });
    world.reportOne(0);
    world.read();
    const plan = world.plan();
    expect(plan?.write).toBeUndefined();
    expect(plan?.foreign).toMatchObject([{ address: '10.0.0.1', port: 80, podUid: 'pod-1' }]);
  });

  test('nothing is done to a foreign target but to adopt it, and only where the user said so and our Pod lives', () => {
    explore(() => (plan, world) => {
      for (const operation of plan.write?.operations ?? []) {
        const seen = bindingAt(world.lane.observation, operation.key);
        if (!seen || parseMark(seen.tag, 'c1')) continue;
        expect(operation.kind).toBe('adopt');
        expect(isAnyMark(seen.tag)).toBe(false);
        expect(world.rules.find(rule => rule.id === operation.ruleId)?.isAdopted).toBe(true);
        const pod = world.view().pods.get(operation.podUid);
        expect(pod).toMatchObject({ confirmed: true, deletionSeenAt: undefined });
        expect(pod?.record.addresses).toContain(operation.place.address);
      }
    });
  });

  test('every foreign target on our rules is reported', () => {
    explore(() => plan => {
      const unmarked = plan.states.flatMap(state => state.targets).filter(({ bound }) => bound && !bound.mark);
      const adopting = new Set(plan.operations.filter(({ kind }) => kind === 'adopt').map(({ key }) => key));
      const moving = (key: string) => unmarked.some(target => target.key === key && target.transaction);
      const expected = unmarked.map(({ key }) => key).filter(key => !adopting.has(key) && !moving(key));
      expect(plan.foreign.map(({ key }) => key).sort()).toEqual(expected.sort());
    });
  });
});

/** The world of these tests has two rules that select the same Pods. */
function onBothRules<T>(of: T): T[] {
  return [of, of];
}

/** Whether the Pod is still at the target's address, as far as its agent has told. */
function isThere(world: CoreWorld, podUid: string, { place }: TargetOperation): boolean {
  const pod = world.view().pods.get(podUid);
  return pod?.deletionSeenAt === undefined && pod?.record.addresses.includes(place.address) === true;
}

/** On its way to weight 0 or out, as far as anybody knows. */
function isClosing(world: CoreWorld, key: string): boolean {
  const transaction = world.lane.transactions.get(key);
  if (transaction === undefined || transaction.operation === 'adopt') return false;
  return transaction.operation === 'deregister' || transaction.weight === 0;
}

function isHealthy(world: CoreWorld, key: string): boolean {
  return healthAt(world.lane.observation, key)?.health === 'healthy';
}
