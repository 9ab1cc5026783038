import fc from 'fast-check';
import type { PodRecord } from '../../common/pod-record.ts';
import type { LanePlan } from '../../coordinator/core/lane-plan.ts';
import { formatMark } from '../../coordinator/core/mark.ts';
import type { NodeSignKind } from '../../coordinator/core/node-sign.ts';
import { type CoreWorld, serving } from './core-world.ts';
import { deleted, exited, ready, relabelled, restarted, unready, weighted } from './pod-changes.ts';

const NODES = ['n1', 'n2'] as const;
const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'] as const;

export type Step = { readonly name: string; readonly run: (world: CoreWorld) => void };
/** The mark of another cluster that uses the same load balancer. */
const OTHERS_TAG = formatMark({ cluster: 'c2', namespace: 'default', name: 'web', podUid: 'their-pod' });

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

/** Everything that can happen to Pods, to what is reported and read of them, and to the time. */
export const podStep: fc.Arbitrary<Step> = fc.oneof(
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
    arbitrary: fc
      .constantFrom(100, 3_000, 12_000, 31_000, 70_000)
      .map(ms => step(`wait ${ms}`, world => world.advance(ms))),
  },
  { weight: 2, arbitrary: fc.constant(step('gates', world => void world.openGates())) },
  { weight: 1, arbitrary: fc.constantFrom(0, 10, 50).chain(w => change(`weight ${w}`, record => weighted(record, w))) },
  { weight: 8, arbitrary: fc.constant(step('read', world => world.read())) },
);

/** What users do to Services and to their load balancer. */
const userStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat({ max: 3 }), app)
      .map(([i, a]) => step(`rule ${i} selects ${a}`, world => world.editRule(i, { selector: { app: a } }))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat({ max: 3 }), fc.constantFrom(80, 8080))
      .map(([i, port]) => step(`rule ${i} to ${port}`, world => world.editRule(i, { targetPort: port }))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat({ max: 3 }), fc.constantFrom(...ADDRESSES), fc.constantFrom('', 'theirs', OTHERS_TAG))
      .map(([i, address, tag]) => step(`foreign ${address} "${tag}"`, world => world.addForeign(i, { address, tag }))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat({ max: 3 }), fc.boolean())
      .map(([i, isAdopted]) => step(`adopted ${i} ${isAdopted}`, world => world.editRule(i, { isAdopted }))),
  },
);

/** What the lane itself meets: CLB's limit, its own load, refusals. */
const laneStep: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom(2, 3, 4, 6, Number.POSITIVE_INFINITY).map(max =>
    step(`quota ${max}`, world => {
      world.targetsPerRuleMax = max;
    }),
  ),
  fc.boolean().map(isSaturated =>
    step(`saturated ${isSaturated}`, world => {
      world.isSaturated = isSaturated;
    }),
  ),
  fc
    .tuple(fc.nat({ max: 1 }), fc.constantFrom(...ADDRESSES), fc.boolean())
    .map(([i, address, isRefused]) =>
      step(`${isRefused ? 'refuse' : 'take'} ${address} on rule ${i}`, world =>
        world.refuse(i, { address, isRefused }),
      ),
    ),
);

/** What is said of nodes. */
const nodeStep: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(node, fc.constantFrom<readonly NodeSignKind[]>([], [], ['shutdown'], ['cordoned']))
    .map(([n, kinds]) => step(`announce ${n} ${kinds}`, world => world.announce(n, ...kinds))),
  node.map(n => step(`doubt ${n}`, world => world.doubt(n))),
  fc
    .tuple(node, fc.boolean())
    .map(([n, isLost]) => step(`${isLost ? 'lose' : 'reach'} ${n}`, world => world.judge(n, isLost))),
);

/** Everything that can happen to the cluster, the reports and the cloud, in any order. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 50, arbitrary: podStep },
  { weight: 4, arbitrary: userStep },
  { weight: 4, arbitrary: nodeStep },
  { weight: 3, arbitrary: laneStep },
  { weight: 1, arbitrary: fc.constant(step('new leader', world => world.newLeader())) },
);

export const anyOutcome = fc.constantFrom('done', 'done', 'done', 'lost-reply', 'refused', 'ignored');
export type Outcome = 'done' | 'lost-reply' | 'refused' | 'ignored';

export interface Run {
  /** Pods that serve already when the run begins. */
  readonly serving: number;
  readonly steps: readonly (readonly [Step, Outcome])[];
}

export const anyRun: fc.Arbitrary<Run> = fc.record({
  serving: fc.nat({ max: ADDRESSES.length }),
  steps: fc.array(fc.tuple(anyStep, anyOutcome), { minLength: 5, maxLength: 100, size: 'max' }),
});

/** Looks at every plan, with the world as it is just before the plan's write reaches the cloud. */
export type Inspect = (plan: LanePlan, world: CoreWorld) => void;

export function play(run: Run, inspect: Inspect = () => undefined, world = serving(run.serving)): CoreWorld {
  for (const [{ run: happen }, outcome] of run.steps) {
    happen(world);
    const plan = world.plan();
    if (!plan) continue;
    inspect(plan, world);
    if (plan.write) world.send(plan.write, outcome);
  }
  return world;
}

/** Plays many runs; `begin` makes what inspects one of them. */
export function explore(begin: () => Inspect): void {
  fc.assert(
    fc.property(anyRun, run => {
      play(run, begin());
    }),
    { numRuns: 1_000 },
  );
}
