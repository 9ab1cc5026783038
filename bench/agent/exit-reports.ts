import { type Clock, sleep } from '../../common/clock.ts';
import { ContainerState, type PodRecord } from '../../common/pod-record.ts';
import type { ReportEvent } from '../../coordinator/reports/report-event.ts';
import { heard } from './heard.ts';
import type { StandNode } from './node-stand.ts';
import type { ReportServers } from './report-servers.ts';

const ROUNDS = 3;
/** Between two kills, so that none is reported together with another. */
const PAUSE_MS = 100;

const never = new AbortController().signal;

/** From the kill of a container's process until a coordinator hears that it has exited; one for each kill. */
export async function exitReports(clock: Clock, reports: ReportServers, node: StandNode): Promise<readonly number[]> {
  const tookMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const pods = [...node.pods.pods];
    for (const pod of pods) {
      const report = heard(clock, reports, `the exit of ${pod.name}`, event => tellsExit(event, pod.uid));
      const killedAt = node.containers.kill(pod);
      tookMs.push((await report) - killedAt);
      await sleep(clock, PAUSE_MS, never);
    }
    for (const _ of pods) await node.pods.replaceOldest();
    await sleep(clock, PAUSE_MS * 10, never);
  }
  return tookMs;
}

function tellsExit(event: ReportEvent, uid: string): boolean {
  const pod = toldPods(event).find(record => record.uid === uid);
  return pod?.containers.some(({ state }) => state === ContainerState.EXITED) ?? false;
}

/** A stream that broke meanwhile begins anew with a snapshot. */
function toldPods(event: ReportEvent): readonly PodRecord[] {
  if (event.type === 'snapshot') return event.pods;
  return event.type === 'delta' ? event.upserts : [];
}
