import type { Pod, Service } from '../../common/kube/objects.ts';
import { type Random, randomInteger } from '../../common/random.ts';
import { type Breach, breaches } from './laws.ts';
import { DEPLOYMENTS, deployment, MERGE_PATCH, restartPatch, SERVICES, service } from './manifests.ts';
import { KEEP_ALIVE, LONG, lostTotal, runClient, SHORT, type Tally } from './model-client.ts';
import { World, type WorldOptions } from './world.ts';

export interface ScenarioOptions extends WorldOptions {
  /** Of traffic and changes, after everything serves. */
  readonly durationMs: number;
  /** False: Pods get the gate but no hook, for contrast. */
  readonly hooked?: boolean;
}

export interface ScenarioReport {
  readonly seed: number;
  readonly virtualMs: number;
  readonly changes: number;
  readonly replacedPods: number;
  readonly sent: number;
  readonly ok: number;
  readonly lost: ReadonlyMap<string, number>;
  readonly breaches: readonly Breach[];
  readonly events: number;
  /** SHA-256 of the complete event log. */
  readonly digest: string;
  readonly tail: readonly string[];
}

const NAME = 'web';
const CLIENTS = [...Array(8).fill(SHORT), ...Array(4).fill(KEEP_ALIVE), ...Array(2).fill(LONG)];
const READY_LIMIT_MS = 120_000;
const PAUSE_MS = [20_000, 120_000] as const;
const REPLICAS = [2, 6] as const;

/** An ordinary day: rolling updates, scaling and deletions, one after another and on top of each other, under load. */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioReport> {
  const world = new World(options);
  const random = world.random();
  await world.start();
  await world.create(DEPLOYMENTS, deployment(NAME, { replicas: 3, hooked: options.hooked ?? true }));
  await world.create(SERVICES, service(NAME));
  await untilServing(world, 3);
  const traffic = await startTraffic(world);
  const changes = await changeAndWait(world, random, options.durationMs);
  await traffic.stop();
  const report = reportOf(world, options, traffic.tally, changes);
  await world.close();
  return report;
}

async function untilServing(world: World, count: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_LIMIT_MS; waitedMs += 1_000) {
    await world.clock.advance(1_000);
    const ready = (await world.pods()).filter(isReady).length;
    if (ready >= count) return;
  }
  throw new Error(`${count} Pods were not ready within ${READY_LIMIT_MS} ms:\n${world.log.tail().join('\n')}`);
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

async function startTraffic(world: World) {
  const { status } = (await world.request('GET', `${SERVICES}/${NAME}`)) as Service;
  const vip = status?.loadBalancer?.ingress?.[0]?.ip ?? '';
  const tally: Tally = { sent: 0, ok: 0, lost: new Map() };
  const stop = new AbortController();
  const { clock, log, dataPlane, servers } = world;
  const running = CLIENTS.map((habit, index) => {
    const endpoint = { vip, port: 80, protocol: 'TCP' as const };
    const address = `10.9.0.${index + 1}`;
    const client = { clock, random: world.random(), log, dataPlane, servers, endpoint, tally, address };
    return runClient(client, habit, stop.signal);
  });
  return {
    tally,
    stop: async () => {
      stop.abort();
      await clock.advance(30_000);
      await Promise.all(running);
    },
  };
}

async function changeAndWait(world: World, random: Random, durationMs: number): Promise<number> {
  const end = world.clock.now() + durationMs;
  let changes = 0;
  while (world.clock.now() < end) {
    changes += 1;
    await changeSomething(world, random, changes);
    await world.clock.advance(Math.min(randomInteger(random, ...PAUSE_MS), Math.max(1, end - world.clock.now())));
  }
  // The last change gets the time that any other had.
  await world.clock.advance(PAUSE_MS[1]);
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
    const pods = (await world.pods()).filter(isReady);
    const victim = pods[randomInteger(random, 0, Math.max(0, pods.length - 1))];
    if (victim) await world.request('DELETE', `/api/v1/namespaces/default/pods/${victim.metadata.name}`);
  }
}

function reportOf(world: World, options: ScenarioOptions, tally: Tally, changes: number): ScenarioReport {
  return {
    seed: options.seed,
    virtualMs: world.clock.now(),
    changes,
    replacedPods: world.records.filter(record => record.type === 'removed').length,
    sent: tally.sent,
    ok: tally.ok,
    lost: tally.lost,
    breaches: breaches(world.clb.journal.records(0), world.records),
    events: world.log.count,
    digest: world.log.digest(),
    tail: world.log.tail(),
  };
}

/** True when nothing was lost and no law was broken. */
export function isClean(report: ScenarioReport): boolean {
  return lostTotal({ sent: 0, ok: 0, lost: new Map(report.lost) }) === 0 && report.breaches.length === 0;
}
