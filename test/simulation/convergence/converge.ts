import { type Random, randomInteger } from '../../../common/random.ts';
import type { Breach } from '../breach.ts';
import { Account } from '../load-balancers/account.ts';
import { Misfortunes } from '../misfortunes.ts';
import { World } from '../world.ts';
import { breachesOnTheWay } from './breaches-on-the-way.ts';
import { Chronicle } from './chronicle.ts';
import { differencesNow } from './differences.ts';
import { IngressUsers } from './ingress-users.ts';
import { ManifestChronicle } from './manifest-chronicle.ts';
import { settle } from './settle.ts';
import { Strangers } from './strangers.ts';
import { Users } from './users.ts';

export interface ConvergenceOptions {
  readonly seed: number;
  /** Of changes, faults and meddling, in virtual time; what follows takes as long as it takes. */
  readonly durationMs: number;
}

export interface ConvergenceReport {
  readonly seed: number;
  /** What users and others did and what went wrong, in order. */
  readonly told: readonly string[];
  readonly changes: number;
  /** From the end of all trouble until the cloud was as it should be for good; undefined: it never was. */
  readonly settledMs: number | undefined;
  /** What was still wrong when time was up. */
  readonly differences: readonly string[];
  readonly breaches: readonly Breach[];
  /** SHA-256 of the complete event log. */
  readonly digest: string;
  readonly tail: readonly string[];
}

const SHARED = ['lb-shared-1', 'lb-shared-2'];
const PAUSE_MS = [500, 12_000] as const;

/**
 * Users change Services, Ingresses, what these refer to, Deployments and Pods at random, others meddle with the account, and everything goes wrong that
 * can. Then it all ends, and the cloud must come to what is asked for.
 */
export async function converge(options: ConvergenceOptions): Promise<ConvergenceReport> {
  const world = new World({ seed: options.seed });
  const { clock } = world;
  const stop = new AbortController();
  const chronicle = new Chronicle(clock, world.transport('chronicle'));
  const manifests = new ManifestChronicle(clock, world.transport('chronicle'));
  const writing = Promise.all([chronicle.run(stop.signal), manifests.run(stop.signal)]);
  const strangers = new Strangers({ world, random: world.random(), shared: SHARED });
  const users = new Users({ world, random: world.random(), chronicle, shared: SHARED });
  const ingressUsers = new IngressUsers({ world, random: world.random(), chronicle, shared: SHARED });
  const misfortunes = new Misfortunes({ world, random: world.random(), severity: 'any' });
  await world.start();
  strangers.settle();
  await users.begin();
  await ingressUsers.begin();
  await clock.advance(30_000);
  const troubles = [strangers, misfortunes];
  for (const trouble of troubles) trouble.begin();
  await changeAndWait(world, [users, ingressUsers], options.durationMs);
  for (const trouble of troubles) trouble.end();
  endFaults(world);
  const account = new Account(world.clb);
  const look = () => differencesNow({ account, strangers, chronicle, manifests, now: clock.wallNow(), shared: SHARED });
  const { settledMs, differences } = await settle(world, look);
  const { journal, records, apiWrites, clbCalls } = world;
  const { refused, outages } = misfortunes;
  const report = {
    seed: options.seed,
    told: [...users.told, ...ingressUsers.told, ...strangers.told, ...misfortunes.told].toSorted(bySecond),
    changes: users.told.length + ingressUsers.told.length,
    settledMs,
    differences,
    breaches: breachesOnTheWay({ journal, records, apiWrites, clbCalls, refused, outages, chronicle, shared: SHARED }),
    digest: world.log.digest(),
    tail: world.log.tail(),
  };
  stop.abort();
  await writing;
  await world.close();
  return report;
}

async function changeAndWait(
  world: World,
  users: readonly (Users | IngressUsers)[],
  durationMs: number,
): Promise<void> {
  const random: Random = world.random();
  const end = world.clock.now() + durationMs;
  while (world.clock.now() < end) {
    for (const each of users) await each.changeSomething();
    await world.clock.advance(Math.min(randomInteger(random, ...PAUSE_MS), Math.max(1, end - world.clock.now())));
  }
}

function endFaults({ clb, coordinators }: World): void {
  clb.faults.clear();
  clb.elsewhere.acceptAll();
  for (const { kube, stop } of coordinators) if (!stop.signal.aborted) kube.set('open');
}

function bySecond(a: string, b: string): number {
  return Number.parseFloat(a) - Number.parseFloat(b);
}

export function hasConverged({ settledMs, breaches }: ConvergenceReport): boolean {
  return settledMs !== undefined && breaches.length === 0;
}
