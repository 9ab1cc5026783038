import { sleep } from '../../../../common/clock.ts';
import { PRODUCT_NAMESPACE } from '../../../../sandbox/cluster/product-manifests.ts';
import { killPods, rollOut } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { agents } from '../questions.ts';

/** What the absence of all reports could lead to would show by then: a stream counts as lost after 9 s. */
const WATCHED_MS = 10_000;
const TOLD_MS = 1_000;

export const agentsKilled: KillCase = {
  name: 'agents-killed',
  fault: 'kill -9 of all agents at once; then a rolling update',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const all = await agents(stage);
    const since = killPods(stage, all);
    // The API server has not heard of their end yet.
    await sleep(stage.clock, TOLD_MS, signal);
    const missing = () => stage.reader.missingReadyPods('app.kubernetes.io/component=agent', 3, PRODUCT_NAMESPACE);
    await stage.recovered('all agents are ready', since, missing);
    await sleep(stage.clock, Math.max(0, since + WATCHED_MS - stage.clock.now()), signal);
    const rolledAt = stage.clock.now();
    await stage.recovered('a rolling update is over', rolledAt, await rollOut(stage, signal));
  },
};
