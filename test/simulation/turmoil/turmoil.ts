import { StandstillError } from '../../../common/virtual-clock.ts';
import type { Breach } from '../breach.ts';
import { breachesOnTheWay } from '../convergence/breaches-on-the-way.ts';
import { Chronicle } from '../convergence/chronicle.ts';
import { differencesNow } from '../convergence/differences.ts';
import { settle } from '../convergence/settle.ts';
import { Strangers } from '../convergence/strangers.ts';
import { Users } from '../convergence/users.ts';
import { Account } from '../load-balancers/account.ts';
import { DEPLOYMENTS, deployment, SERVICES, service } from '../manifests.ts';
import type { Habit } from '../model-client.ts';
import { startTraffic, type Traffic, untilServing } from '../traffic.ts';
import { World } from '../world.ts';
import { leaksBetween, takeCensus } from './census.ts';
import { BUSY_APPS } from './changes.ts';
import { drawHappenings } from './draw-happenings.ts';
import { blindOf, Episodes, harmsOf, leaderDeathsOf, misledOf, outagesOf, refusedOf, storyOf } from './episodes.ts';
import { CHANGES, FAMILIES, type Family, TROUBLES } from './kinds.ts';
import { judgeLosses } from './law-losses.ts';
import { isAgentMissing } from './process-troubles.ts';
import { drawReplicas, Replicas } from './replicas.ts';
import type { Happening, Site } from './trouble.ts';

export interface TurmoilOptions {
  readonly seed: number;
  /** Of everything that happens, in virtual time; what follows takes as long as it takes. */
  readonly durationMs: number;
  /** The numbers of what is to happen; default all that the seed gives. */
  readonly only?: ReadonlySet<number> | undefined;
  /** What can go wrong; default `turmoil`: everything. */
  readonly family?: Family | undefined;
}

export interface TurmoilReport {
  readonly seed: number;
  readonly virtualMs: number;
  /** The numbers of what happened. */
  readonly happened: readonly number[];
  /** How often each kind of trouble happened. */
  readonly counts: Readonly<Record<string, number>>;
  /** One line for each of them, in order. */
  readonly told: readonly string[];
  /** From the end of all trouble until the cloud was as it should be for good; undefined: it never was. */
  readonly settledMs: number | undefined;
  readonly breaches: readonly Breach[];
  readonly sent: number;
  readonly lost: number;
  readonly excused: number;
  readonly events: number;
  /** SHA-256 of the complete event log. */
  readonly digest: string;
  readonly tail: readonly string[];
}

const NODES = 5;
const SHARED = ['lb-shared-1', 'lb-shared-2'];
/** By app: where its clients find it. */
const BUSY_PORTS: Readonly<Record<string, number>> = { web: 8_080, shop: 8_443 };
const BUSY_REPLICAS = 3;
const CLIENTS: readonly Habit[] = [
  { gapMs: [300, 1_500], serviceMs: [1, 20], requestsPerConnection: [1, 1] },
  { gapMs: [300, 1_500], serviceMs: [1, 20], requestsPerConnection: [1, 1] },
  { gapMs: [50, 3_000], serviceMs: [1, 20], requestsPerConnection: [5, 30] },
  { gapMs: [500, 3_000], serviceMs: [15_000, 15_000], requestsPerConnection: [1, 1] },
];
/** Until what new processes have to do at first is done: a dead one's last write may be waited for, a node's silence judged. */
const RENEWED_MS = 60_000;
/** After everything is mended, for the last of what was under way. */
const MENDED_MS = 5_000;

/** What a seed holds in store. */
export function happeningsOf({ seed, durationMs, family = 'turmoil' }: TurmoilOptions): readonly Happening[] {
  return drawHappenings({ seed, durationMs, changes: CHANGES, troubles: FAMILIES[family] });
}

/**
 * Everything at once: users change things, clients send requests, others meddle with the account, processes, machines,
 * networks, the API server and CLB fail in every way. Then it all ends, and the cloud must come to what is asked for.
 */
export async function runTurmoil(options: TurmoilOptions): Promise<TurmoilReport> {
  const world = new World({ seed: options.seed, nodes: NODES, coordinators: 0 });
  const stop = new AbortController();
  const chronicle = new Chronicle(world.clock, world.transport('chronicle'));
  const writing = chronicle.run(stop.signal);
  const replicas = new Replicas(world, drawReplicas(world.random()));
  const site: Site = { world, chronicle, replicas, shared: SHARED, drained: new Set(), liars: new Map() };
  const sparedPorts = Object.values(BUSY_PORTS);
  const strangers = new Strangers({ world, random: world.random(), shared: SHARED, sparedPorts });
  const episodes = new Episodes(site, { ...TROUBLES, ...CHANGES });
  const run = { options, site, strangers, episodes, traffic: [] as Traffic[] };
  try {
    await play(run);
    const ending = await end(run);
    stop.abort();
    await writing;
    const report = reportOf(run, ending);
    await world.close();
    return report;
  } catch (error) {
    if (!(error instanceof StandstillError)) throw error;
    return reportOf(run, { settledMs: undefined, breaches: [{ law: 'liveness', message: error.message }] });
  }
}

interface Run {
  readonly options: TurmoilOptions;
  readonly site: Site;
  readonly strangers: Strangers;
  readonly episodes: Episodes;
  readonly traffic: Traffic[];
}

async function play({ options, site, strangers, episodes, traffic }: Run): Promise<void> {
  const { world, replicas } = site;
  const { clock } = world;
  await world.start();
  replicas.begin();
  strangers.settle();
  await new Users({ ...site, random: world.random() }).begin();
  await openBusyApps(world, traffic);
  strangers.begin();
  const beganAt = clock.now();
  const planned = happeningsOf(options).filter(({ number }) => options.only?.has(number) ?? true);
  for (const happening of planned) {
    await clock.advance(Math.max(0, beganAt + happening.atMs - clock.now()));
    await episodes.begin(happening);
  }
  await clock.advance(Math.max(0, beganAt + options.durationMs - clock.now()));
}

/** How a run ended. */
interface Ending {
  readonly settledMs: number | undefined;
  readonly breaches: readonly Breach[];
}

/** All trouble ends; the cloud must come to what is asked for, and nothing may be left over in the processes. */
async function end({ site, strangers, episodes, traffic }: Run): Promise<Ending> {
  const { world, chronicle, replicas, shared } = site;
  strangers.end();
  episodes.endAll();
  await mend(site);
  const account = new Account(world.clb);
  const look = () => differencesNow({ account, strangers, chronicle, shared, now: world.clock.wallNow() });
  const { settledMs, differences } = await settle(world, look);
  for (const each of traffic) await each.stop();
  if (settledMs === undefined) return { settledMs, breaches: differences.map(asBreach) };
  await replicas.trim();
  const old = await takeCensus(world);
  await replicas.renewAll();
  for (const nodeName of world.nodes.keys()) renewAgent(world, nodeName);
  await world.clock.advance(RENEWED_MS);
  const leaks = leaksBetween(old, await takeCensus(world));
  // What a liar has made up stays with followers, who ask nobody, until its node has no agent.
  const wasLiedTo = episodes.all.some(({ begun }) => begun.misleads);
  const own = wasLiedTo ? leaks.filter(({ message }) => !message.includes('Pods')) : leaks;
  return { settledMs, breaches: [...look().map(asBreach), ...own] };
}

function asBreach(message: string): Breach {
  return { law: 'liveness', message };
}

function renewAgent(world: World, nodeName: string): void {
  const old = world.agents.get(nodeName);
  if (!old || old.stop.signal.aborted) return;
  world.startAgent(nodeName);
  old.stop.abort();
}

async function openBusyApps(world: World, traffic: Traffic[]): Promise<void> {
  for (const name of BUSY_APPS) {
    const annotations: Record<string, string> =
      name === 'shop' ? { 'service.kubernetes.io/tke-existed-lbid': SHARED[0] ?? '' } : {};
    await world.create(DEPLOYMENTS, deployment(name, { replicas: BUSY_REPLICAS, hooked: true }));
    await world.create(SERVICES, service(name, annotations, [{ port: BUSY_PORTS[name] ?? 0 }]));
  }
  for (const [group, name] of BUSY_APPS.entries()) {
    await untilServing(world, name, BUSY_REPLICAS);
    traffic.push(await startTraffic(world, name, { group, port: BUSY_PORTS[name] ?? 0, habits: CLIENTS }));
  }
}

/** Whatever several troubles left behind together. */
async function mend({ world, replicas }: Site): Promise<void> {
  for (const { clock, kube, clb, severedAt } of world.processes) {
    if (severedAt !== undefined) continue;
    clock.wake();
    for (const link of [kube, clb]) {
      link.set('open');
      link.delay(undefined);
    }
  }
  world.clb.faults.clear();
  world.clb.elsewhere.acceptAll();
  for (const nodeName of world.nodes.keys()) if (isAgentMissing(world, nodeName)) world.startAgent(nodeName);
  replicas.mend();
  await world.clock.advance(MENDED_MS);
}

function reportOf({ options, site, episodes, traffic }: Run, { settledMs, breaches }: Ending): TurmoilReport {
  const { world, chronicle } = site;
  const { all } = episodes;
  const losses = traffic.flatMap(({ tally }) => tally.losses);
  const verdict = judgeLosses({ losses, records: world.records, journal: world.journal, episodes: all });
  const evidence = {
    journal: world.journal,
    records: world.records,
    apiWrites: world.apiWrites,
    clbCalls: world.clbCalls,
    chronicle,
    shared: SHARED,
    slownessMax: 1 / 0.9,
    refused: refusedOf(all),
    outages: outagesOf(all),
    harms: harmsOf(all),
    misled: misledOf(all, world.records),
    isBlind: blindOf(all),
    leaderDeaths: leaderDeathsOf(all),
  };
  const beganAt = world.clock.wallNow() - world.clock.now();
  return {
    seed: options.seed,
    virtualMs: world.clock.now(),
    happened: all.map(({ happening }) => happening.number),
    counts: countKinds(all.map(({ happening }) => happening.kind)),
    told: all.map(episode => storyOf(episode, episode.from - beganAt)),
    settledMs,
    breaches: [...breachesOnTheWay(evidence), ...verdict.breaches, ...breaches],
    sent: traffic.reduce((sum, { tally }) => sum + tally.sent, 0),
    lost: losses.length,
    excused: verdict.excused,
    events: world.log.count,
    digest: world.log.digest(),
    tail: world.log.tail(),
  };
}

function countKinds(kinds: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
