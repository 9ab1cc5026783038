import type { Clock } from '../../common/clock.ts';
import { heard } from './heard.ts';
import type { MeasuredProcess } from './measured-process.ts';
import type { ReportServers } from './report-servers.ts';

const STARTS = 9;

/** From the start of the process until a coordinator has its first snapshot; one for each of several starts. */
export async function coldStarts(
  clock: Clock,
  reports: ReportServers,
  start: () => MeasuredProcess,
): Promise<readonly number[]> {
  const tookMs: number[] = [];
  while (tookMs.length < STARTS) {
    const snapshot = heard(clock, reports, 'the first snapshot', event => event.type === 'snapshot');
    await using agent = start();
    tookMs.push((await snapshot) - agent.startedAtMs);
  }
  return tookMs;
}
