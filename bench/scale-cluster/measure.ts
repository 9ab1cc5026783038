import { readUsage } from '../agent/proc-usage.ts';
import { CALIBRATED_LATENCY } from '../published/calibration.ts';
import { evenLatency } from './cloud.ts';
import { deletionTimes } from './deletions.ts';
import { type Death, type DeathFigures, leaderDeath } from './leader-death.ts';
import { populate } from './population.ts';
import { requestCounts } from './request-counts.ts';
import { measureRest, type Rest } from './rest.ts';
import { plainUpdate, type RollingFigures, rollingUpdate } from './rolling-update.ts';
import type { ClusterSize } from './size.ts';
import type { Stand } from './stand.ts';

export interface PopulationFigures {
  /** From the first Pod to the last open gate. */
  readonly tookMs: number;
  readonly requests: ReadonlyMap<string, number>;
  /** The leader's. */
  readonly cpuMs: number;
}

export interface ScaleFigures {
  readonly size: ClusterSize;
  readonly population: PopulationFigures;
  readonly rest: Rest;
  /** By what a call takes. */
  readonly deletionMs: ReadonlyMap<number, readonly number[]>;
  readonly deathMs: Readonly<Record<Death, readonly DeathFigures[]>>;
  readonly plainMs: number;
  readonly rolling: Readonly<Record<'fast' | 'calibrated', RollingFigures>>;
}

/** @param tell is told each figure as soon as it is there */
export async function measure(stand: Stand, tell: (line: string) => void): Promise<ScaleFigures> {
  const { size, deletions, deaths } = stand.options;
  const told = <T>(name: string, figure: T): T => {
    tell(
      `${name}: ${JSON.stringify(figure, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value))}`,
    );
    return figure;
  };
  const population = told('population', await measurePopulation(stand));
  const rest = told('rest', await measureRest(stand));
  const deletionMs = new Map<number, readonly number[]>();
  for (const callMs of [5, 200]) {
    deletionMs.set(callMs, told(`${deletions} deletions at ${callMs} ms`, await deletionTimes(stand, callMs)));
  }
  const fast = told('rolling, 5 ms', await rollingUpdate(stand, evenLatency(5)));
  const plainMs = told('plain', await plainUpdate(stand));
  const calibrated = told('rolling, calibrated', await rollingUpdate(stand, CALIBRATED_LATENCY));
  await stand.cloud.setLatency(evenLatency(5));
  const killed = told('killed', await several(deaths, () => leaderDeath(stand, 'killed')));
  const frozen = told('frozen', await several(Math.ceil(deaths / 2), () => leaderDeath(stand, 'frozen')));
  return { size, population, rest, deletionMs, deathMs: { killed, frozen }, plainMs, rolling: { fast, calibrated } };
}

async function measurePopulation(stand: Stand): Promise<PopulationFigures> {
  const { clock, cluster, coordinators } = stand;
  const { pid } = (await coordinators.leader()).process;
  const [fromMs, before] = [clock.wallNow(), await readUsage(pid)];
  await populate(stand);
  const toMs = clock.wallNow();
  return {
    tookMs: toMs - fromMs,
    requests: requestCounts(cluster.auditedRequests(), { fromMs, toMs }),
    cpuMs: (await readUsage(pid)).cpuMs - before.cpuMs,
  };
}

async function several<T>(times: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  while (results.length < times) results.push(await run());
  return results;
}
