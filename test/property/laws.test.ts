import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContainerState, GateState, PodPhase, type PodRecord } from '../../common/pod-record.ts';
import { bindingKey } from '../../coordinator/core/binding-key.ts';
import { gateDecision } from '../../coordinator/core/gate.ts';
import { DEFAULT_PLAN_LIMITS, type TargetWrite } from '../../coordinator/core/lane-plan.ts';
import { bindingsOf, healthAt } from '../../coordinator/core/observation.ts';
import { selects } from '../../coordinator/core/rule.ts';
import { placeOf } from '../../coordinator/core/rule-state.ts';
import type { TargetOperation } from '../../coordinator/core/target-operation.ts';
import { CoreWorld, deleted, exited, ready, relabelled, restarted, serving, unready } from './core-world.ts';

const NODES = ['n1', 'n2'] as const;
const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'] as const;

type Step = { readonly name: string; readonly run: (world: CoreWorld) => void };

const podIndex = fc.nat({ max: 30 });
const node = fc.constantFrom(...NODES);
const app = fc.constantFrom('web', 'other');

function step(name: string, run: (world: CoreWorld) => void): Step {
  return { name, run };
}

/** A change of a Pod; mostly its agent tells of it at once. */
function change(name: string, edit: (record: PodRecord) => PodRecord): fc.Arbitrary<Step> {
  return fc.tuple(podIndex, fc.constantFrom(true, true, true, false)).map(([i, isTold]) =>
    step(`${name} ${i}${isTold ? '' : ', untold'}`, world => {
      world.change(i, edit);
      if (isTold) world.reportOne(i);
    }),
  );
}

/** Everything that can happen to the cluster, the reports and the cloud, in any order. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(node, fc.constantFrom(...ADDRESSES)).map(([n, address]) =>
      step(`add ${address} on ${n}`, world => {
        world.addPod({ node: n, address, app: 'web' });
        world.reportOne(world.pods.length - 1);
      }),
    ),
  },
  { weight: 6, arbitrary: change('ready', ready) },
  { weight: 3, arbitrary: change('unready', unready) },
  { weight: 2, arbitrary: change('delete', deleted) },
  { weight: 1, arbitrary: change('exit', exited) },
  { weight: 1, arbitrary: change('restart', restarted) },
  { weight: 1, arbitrary: app.chain(a => change(`label ${a}`, record => relabelled(record, a))) },
  { weight: 2, arbitrary: podIndex.map(i => step(`finish ${i}`, world => world.finish(i))) },
  {
    weight: 1,
    arbitrary: fc.tuple(podIndex, node).map(([i, n]) => step(`reuse ${i} on ${n}`, world => world.reuseAddress(i, n))),
  },
  { weight: 6, arbitrary: podIndex.map(i => step(`report ${i}`, world => world.reportOne(i))) },
  {
    weight: 2,
    arbitrary: fc.tuple(node, fc.boolean()).map(([n, c]) => step(`snapshot ${n} ${c}`, world => world.snapshot(n, c))),
  },
  { weight: 6, arbitrary: podIndex.map(i => step(`confirm ${i}`, world => world.confirm(i))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(podIndex, fc.constantFrom('begun', 'connections-ended', 'answered'))
      .map(([i, phase]) => step(`hook ${i} ${phase}`, world => world.hook(i, phase))),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(podIndex, fc.constantFrom('healthy', 'healthy', 'healthy', 'unhealthy', 'unknown'))
      .map(([i, h]) => step(`health ${i} ${h}`, world => world.health(i, h))),
  },
  { weight: 2, arbitrary: fc.constant(step('all healthy', world => world.allHealthy())) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(100, 3_000, 12_000, 70_000).map(ms => step(`wait ${ms}`, world => world.advance(ms))),
  },
  { weight: 1, arbitrary: fc.constant(step('new leader', world => world.newLeader())) },
  { weight: 8, arbitrary: fc.constant(step('read', world => world.read())) },
);

const anyOutcome = fc.constantFrom('done', 'done', 'done', 'lost-reply', 'refused', 'ignored');
type Outcome = 'done' | 'lost-reply' | 'refused' | 'ignored';

interface Run {
  /** Pods that serve already when the run begins. */
  readonly serving: number;
  readonly steps: readonly (readonly [Step, Outcome])[];
}

const anyRun: fc.Arbitrary<Run> = fc.record({
  serving: fc.nat({ max: ADDRESSES.length }),
  steps: fc.array(fc.tuple(anyStep, anyOutcome), { minLength: 5, maxLength: 100 }),
});

/** Plays a run; `inspect` sees every write with the world as it is just before the write reaches the cloud. */
function play(run: Run, inspect: (write: TargetWrite, world: CoreWorld) => void): CoreWorld {
  const world = serving(run.serving);
  for (const [{ run: happen }, outcome] of run.steps) {
    happen(world);
    const write = world.plan()?.write;
    if (!write) continue;
    inspect(write, world);
    world.send(write, outcome);
  }
  return world;
}

function explore(inspect: () => (write: TargetWrite, world: CoreWorld) => void): void {
  fc.assert(
    fc.property(anyRun, run => {
      play(run, inspect());
    }),
    { numRuns: 1_000 },
  );
}

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
    record.phase === PodPhase.SUCCEEDED ||
    stored?.containers.some(container => container.state === ContainerState.EXITED) === true ||
    stored?.ready === false ||
    (stored !== undefined && !selects(rule, stored))
  );
}

function takes(operation: TargetOperation): boolean {
  return operation.kind === 'close' || operation.kind === 'deregister';
}

function isWeakInTruth(operation: TargetOperation, world: CoreWorld): boolean {
  const pod = world.pods.find(candidate => candidate.record.uid === operation.podUid);
  const stored = world.store.pods.get(operation.podUid);
  const exits = stored?.record.containers.some(container => container.state === ContainerState.EXITED) === true;
  return pod !== undefined && !pod.gone && stored?.deletionSeenAt === undefined && !exits;
}

describe('L1, absence never removes', () => {
  test('no target is closed or deregistered without evidence about its own Pod', () => {
    explore(() => (write, world) => {
      for (const operation of write.operations.filter(takes)) expect(hasEvidence(operation, world)).toBe(true);
    });
  });

  test('a fresh leader that nobody has reported to changes nothing', () => {
    fc.assert(
      fc.property(anyRun, run => {
        const world = play(run, () => {});
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

  test('a consistent snapshot without the Pod removes its target', () => {
    const world = serving(2);
    world.change(0, deleted);
    world.finish(0);
    world.snapshot('n1', true);
    const write = world.plan()?.write;
    expect(write?.kind).toBe('deregister');
    expect(write?.operations.map(operation => operation.podUid)).toContain('pod-1');
  });
});

describe('L2, never empty by our hand', () => {
  test('weak evidence never closes the last open target of a rule', () => {
    explore(() => (write, world) => {
      for (const rule of world.rules) {
        const closings = write.operations.filter(o => o.ruleId === rule.id && o.kind === 'close');
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
      let leader: unknown;
      return (write, world) => {
        // A new leader starts its minute anew; what it inherits is a matter of its own test.
        if (leader !== world.store) charges.clear();
        leader = world.store;
        for (const rule of world.rules) {
          const weak = write.operations.filter(
            o => o.ruleId === rule.id && o.kind === 'close' && isWeakInTruth(o, world),
          );
          const recent = (charges.get(rule.id) ?? []).filter(at => world.now - at < 60_000);
          const all = [...recent, ...weak.map(() => world.now)];
          charges.set(rule.id, all);
          const bound = bindingsOf(world.lane.observation).filter(
            ([, b]) => b.listenerId === rule.place.listenerId,
          ).length;
          const allowed = Math.max(1, Math.floor(bound * DEFAULT_PLAN_LIMITS.brake.share));
          if (weak.length > 0) expect(all.length).toBeLessThanOrEqual(allowed);
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
        const world = play(run, () => {});
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
            expect(world.cloud.get(key)).toMatchObject({ weight: 10, health: 'healthy' });
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
  test('no operation hits a binding of another Pod, and nothing is registered over one', () => {
    explore(() => (write, world) => {
      for (const operation of write.operations) {
        const owner = world.ownerOf(operation.key);
        if (operation.kind === 'register') expect([undefined, operation.podUid]).toContain(owner);
        else expect([undefined, operation.podUid]).toContain(owner);
      }
    });
  });

  test('the next owner of an address is bound only after the old owner was read back as gone', () => {
    const world = serving(1);
    world.change(0, deleted);
    world.finish(0);
    world.addPod({ node: 'n1', address: '10.0.0.1', app: 'web' });
    world.change(1, ready);
    world.snapshot('n1', true);
    world.confirm(1);
    const removal = world.plan()?.write;
    expect(removal?.operations.every(o => o.kind === 'deregister' && o.podUid === 'pod-1')).toBe(true);
    if (removal) world.send(removal, 'done');
    expect(world.plan()?.write).toBeUndefined();
    world.read();
    expect(world.plan()?.write?.operations[0]).toMatchObject({ kind: 'register', podUid: 'pod-2' });
  });
});

describe('L6, only what is ours', () => {
  test('a target without our mark is neither closed nor removed, and is named to the Pod that wants its place', () => {
    const world = new CoreWorld([{ port: 80, app: 'web' }]);
    const place = { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80 };
    world.cloud.set(bindingKey(place), { ...place, weight: 10, tag: 'somebody', health: 'healthy' });
    world.addPod({ node: 'n1', address: '10.0.0.1', app: 'web' });
    world.reportOne(0);
    world.read();
    const plan = world.plan();
    expect(plan?.write).toBeUndefined();
    expect(plan?.foreign).toMatchObject([{ address: '10.0.0.1', podUid: 'pod-1' }]);
  });
});

/** On its way to weight 0 or out, as far as anybody knows. */
function isClosing(world: CoreWorld, key: string): boolean {
  const transaction = world.lane.transactions.get(key);
  return transaction !== undefined && (transaction.operation === 'deregister' || transaction.weight === 0);
}

function isHealthy(world: CoreWorld, key: string): boolean {
  return healthAt(world.lane.observation, key)?.health === 'healthy';
}
