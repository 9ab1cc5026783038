import { sleep } from '../../../../common/clock.ts';
import { PRODUCT_NAMESPACE } from '../../../../sandbox/cluster/product-manifests.ts';
import { assertHookWaits, deletePod, killPods } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { agents, appPods, missingInCloud } from '../questions.ts';
import { KEPT_CONNECTIONS } from '../stage.ts';
import { untilDraining } from './drain-moments.ts';

/** CLB's forwarders have followed by then. */
const SETTLED_MS = 2_500;

export const agentKilled: KillCase = {
  name: 'agent-killed',
  fault: 'kill -9 of the agent while a Pod of its node drains',
  lostMax: KEPT_CONNECTIONS,
  lostKinds: ['keepAlive'],
  why: 'the kubelet ends the Pod at once; a client may send on a kept connection just as the application closes it',
  async perform(stage, signal) {
    const [pod] = await appPods(stage);
    if (!pod) throw new Error('the application has no Pod');
    await deletePod(stage, pod, signal);
    await untilDraining(stage, pod.metadata.name, signal);
    await sleep(stage.clock, SETTLED_MS, signal);
    const agent = (await agents(stage)).find(({ spec }) => spec.nodeName === pod.spec.nodeName);
    if (!agent) throw new Error(`${pod.spec.nodeName} has no agent`);
    assertHookWaits(stage, pod.metadata.name);
    const since = killPods(stage, [agent]);
    const missing = () => stage.reader.missingReadyPods('app.kubernetes.io/component=agent', 3, PRODUCT_NAMESPACE);
    await stage.recovered('the Pod is replaced', since, async () => (await missing()) ?? missingInCloud(stage, signal));
  },
};
