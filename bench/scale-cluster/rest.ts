import { sleep } from '../../common/clock.ts';
import { readMemory, readUsage } from '../agent/proc-usage.ts';
import { requestCounts, total } from './request-counts.ts';
import { never, type Stand } from './stand.ts';

const SETTLE_MS = 15_000;
const REST_MS = 30_000;

export interface RestFigures {
  readonly role: 'leader' | 'follower';
  readonly rssMiB: number;
  readonly rssPeakMiB: number;
  readonly cpuPercent: number;
}

export interface Rest {
  readonly coordinators: readonly RestFigures[];
  /** The product's, to the API server. */
  readonly requestsPerSecond: number;
}

/** What the coordinators take while nothing happens, and have taken at most until then. */
export async function measureRest({ clock, cluster, coordinators, say }: Stand): Promise<Rest> {
  say('at rest');
  await sleep(clock, SETTLE_MS, never);
  const leader = await coordinators.leader();
  const fromMs = clock.wallNow();
  const before = await Promise.all(coordinators.all().map(({ process }) => readUsage(process.pid)));
  await sleep(clock, REST_MS, never);
  const tookMs = clock.wallNow() - fromMs;
  const requests = requestCounts(cluster.auditedRequests(), { fromMs, toMs: fromMs + tookMs });
  const figures = coordinators.all().map(async ({ replica, process }, index): Promise<RestFigures> => {
    const [memory, usage] = [await readMemory(process.pid), await readUsage(process.pid)];
    const role = replica === leader.replica ? 'leader' : 'follower';
    return { role, ...memory, cpuPercent: ((usage.cpuMs - (before[index]?.cpuMs ?? 0)) / tookMs) * 100 };
  });
  return { coordinators: await Promise.all(figures), requestsPerSecond: (total(requests) * 1_000) / tookMs };
}
