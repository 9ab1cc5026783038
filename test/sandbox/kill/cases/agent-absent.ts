import { deletePod, killPods } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { agents, appPods, missingInCloud } from '../questions.ts';
import { APP_REPLICAS, CONNECTIONS_AT_ONCE, REQUESTS_PER_SECOND } from '../stage.ts';

/** From SIGTERM to weight 0 in CLB's last forwarder: 3 s for the next agent's start, 0.5 s for the write, 2 s. */
const OPEN_SECONDS = 5.5;

export const agentAbsent: KillCase = {
  name: 'agent-absent',
  fault: 'kill -9 of an agent at the moment at which a Pod of its node is deleted',
  lostMax: CONNECTIONS_AT_ONCE + Math.ceil((REQUESTS_PER_SECOND / APP_REPLICAS) * OPEN_SECONDS),
  why: 'nobody holds the Pod, which gets SIGTERM at once and refuses what CLB still sends it',
  async perform(stage, signal) {
    const [pod] = await appPods(stage);
    const agent = (await agents(stage)).find(({ spec }) => spec.nodeName === pod?.spec.nodeName);
    if (!pod || !agent) throw new Error('the application has no Pod, or its node no agent');
    const since = killPods(stage, [agent]);
    await deletePod(stage, pod, signal);
    await stage.recovered('the Pod is replaced', since, () => missingInCloud(stage, signal));
  },
};
