import { sleep } from '../../../../common/clock.ts';
import { PRODUCT_NAMESPACE } from '../../../../sandbox/cluster/product-manifests.ts';
import type { KillCase } from '../kill-case.ts';
import { signalPod } from '../pod-processes.ts';
import { agents, podUid, rollOut } from '../stage.ts';

/** What the absence of all reports could lead to would show by then: a stream counts as lost after 9 s. */
const WATCHED_MS = 10_000;

export const agentsKilled: KillCase = {
  name: 'agents-killed',
  fault: 'kill -9 of all agents at once; then a rolling update',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const all = await agents(stage);
    for (const agent of all) signalPod(stage.sandbox, podUid(agent), 'SIGKILL');
    const since = stage.clock.now();
    stage.progress.say(`$ kill -9 ${all.map(({ metadata }) => metadata.name).join(' ')}`);
    // The kubelet has not told of their end yet.
    await sleep(stage.clock, WATCHED_MS, signal);
    const missing = () => stage.reader.missingReadyPods('app.kubernetes.io/component=agent', 3, PRODUCT_NAMESPACE);
    await stage.recovered('all agents are ready', since, missing);
    const rolledAt = stage.clock.now();
    await stage.recovered('a rolling update is over', rolledAt, await rollOut(stage, signal));
  },
};
