import { killPods } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { appPods, missingInCloud } from '../questions.ts';
import { APP_REPLICAS, CONNECTIONS_AT_ONCE, REQUESTS_PER_SECOND } from '../stage.ts';
import { podMoments } from './drain-moments.ts';

/** From the exit to weight 0 in CLB's last forwarder: 0.5 s for report and write, 2 s for the forwarder. */
const OPEN_SECONDS = 2.5;

export const applicationKilled: KillCase = {
  name: 'application-killed',
  fault: 'kill -9 of an application container',
  lostMax: CONNECTIONS_AT_ONCE + Math.ceil((REQUESTS_PER_SECOND / APP_REPLICAS) * OPEN_SECONDS),
  why: 'its connections end with it, and CLB sends it new ones until its last forwarder follows weight 0',
  async perform(stage, signal) {
    const [pod] = await appPods(stage);
    if (!pod) throw new Error('the application has no Pod');
    const since = killPods(stage, [pod]);
    const missing = async () =>
      (await podMoments(stage, pod.metadata.name, signal)).weightZero === undefined ? 'it is open' : undefined;
    await stage.recovered('CLB has it at weight 0', since, missing);
    await stage.recovered('everything is as wanted', since, () => missingInCloud(stage, signal));
  },
};
