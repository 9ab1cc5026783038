import { type Random, randomInteger } from '../../common/random.ts';
import type { Breach } from './breach.ts';
import { breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, MERGE_PATCH, restartPatch, SERVICES, service } from './manifests.ts';
import { Misfortunes } from './misfortunes.ts';
import { lostTotal, type Tally } from './model-client.ts';
import { outlivedBudget } from './outlived.ts';
import { readyPods, startTraffic, untilServing } from './traffic.ts';
import { World, type WorldOptions } from './world.ts';

export interface ScenarioOptions extends WorldOptions {
  /** Of traffic and changes, after everything serves. */
  readonly durationMs: number;
  /** False: Pods get the gate but no hook, for contrast. */
  readonly hooked?: boolean;
  /** True: CLB misbehaves, leaders die, agents are upgraded, the API server goes away for a while. */
  readonly faults?: boolean;
}

export interface ScenarioReport {
  readonly seed: number;
  readonly virtualMs: number;
  readonly changes: number;
  /** What went wrong on purpose, in order. */
  readonly misfortunes: readonly string[];
  readonly replacedPods: number;
  readonly sent: number;
  readonly ok: number;
  readonly lost: ReadonlyMap<string, number>;
  /** Requests that outlived the drain budget and were ended by their application: no loss, and counted. */
  readonly outlived: number;
  readonly breaches: readonly Breach[];
  readonly events: number;
  /** SHA-256 of the complete event log. */
  readonly digest: string;
  readonly tail: readonly string[];
}

const NAME = 'web';
const PAUSE_MS = [20_000, 120_000] as const;
/** Closer together, so that changes meet misfortunes and each other. */
const PAUSE_AMONG_FAULTS_MS = [4_000, 30_000] as const;
/** The last change gets the time that any other may have. */
const REST_MS = 120_000;
const REPLICAS = [2, 6] as const;

/** An ordinary day: rolling updates, scaling and deletions, one after another and on top of each other, under load. */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioReport> {
  const world = new World(options);
  const random = world.random();
  await world.start();
  await world.create(DEPLOYMENTS, deployment(NAME, { replicas: 3, hooked: options.hooked ?? true }));
  await world.create(SERVICES, service(NAME));
  await untilServing(world, NAME, 3);
  const traffic = await startTraffic(world, NAME);
  const misfortunes = new Misfortunes({ world, random: world.random() });
  if (options.faults) misfortunes.begin();
  const changes = await changeAndWait(world, random, options);
  misfortunes.end();
  await traffic.stop();
  const report = { ...reportOf(world, options, traffic.tally), changes, misfortunes: misfortunes.told };
  await world.close();
  return report;
}

async function changeAndWait(world: World, random: Random, options: ScenarioOptions): Promise<number> {
  const pauseMs: readonly [number, number] = options.faults ? PAUSE_AMONG_FAULTS_MS : PAUSE_MS;
  const end = world.clock.now() + options.durationMs;
  let changes = 0;
  while (world.clock.now() < end) {
    changes += 1;
    await changeSomething(world, random, changes);
    await world.clock.advance(Math.min(randomInteger(random, ...pauseMs), Math.max(1, end - world.clock.now())));
  }
  await world.clock.advance(REST_MS);
  return changes;
}

async function changeSomething(world: World, random: Random, number: number): Promise<void> {
  const dice = random.next();
  const path = `${DEPLOYMENTS}/${NAME}`;
  if (dice < 0.5) {
    await world.request('PATCH', path, restartPatch(number), MERGE_PATCH);
  } else if (dice < 0.8) {
    await world.request('PATCH', path, { spec: { replicas: randomInteger(random, ...REPLICAS) } }, MERGE_PATCH);
  } else {
    const pods = await readyPods(world, NAME);
    const victim = pods[randomInteger(random, 0, Math.max(0, pods.length - 1))];
    if (victim) await world.request('DELETE', `/api/v1/namespaces/default/pods/${victim.metadata.name}`);
  }
}

function reportOf(world: World, options: ScenarioOptions, tally: Tally) {
  const [lost, outlived] = [
    new Map<string, number>(),
    tally.losses.filter(loss => outlivedBudget(loss, world.records)),
  ];
  for (const loss of tally.losses) {
    if (!outlived.includes(loss)) lost.set(loss.reason, (lost.get(loss.reason) ?? 0) + 1);
  }
  return {
    seed: options.seed,
    virtualMs: world.clock.now(),
    replacedPods: world.records.filter(record => record.type === 'removed').length,
    sent: tally.sent,
    ok: tally.ok,
    lost,
    outlived: outlived.length,
    breaches: breaches(world),
    events: world.log.count,
    digest: world.log.digest(),
    tail: world.log.tail(),
  };
}

/** True when nothing was lost and no law was broken. */
export function isClean(report: ScenarioReport): boolean {
  return lostTotal(report.lost) === 0 && report.breaches.length === 0;
}
