import { COORDINATOR_DEPLOYMENTS, PRODUCT_NAMESPACE } from '../../../../sandbox/cluster/product-manifests.ts';
import { restart, rollOut } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { appPods, coordinators, leaseHolder, podUid } from '../questions.ts';
import { untilSomePodDrains } from './drain-moments.ts';

export const coordinatorsRestarted: KillCase = {
  name: 'coordinators-restarted',
  fault: 'rolling restart of the coordinators in a rolling update of the application',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const before = (await appPods(stage)).map(({ metadata }) => metadata.name);
    const old = (await coordinators(stage)).map(podUid);
    const missing = await rollOut(stage, signal);
    await untilSomePodDrains(stage, before, signal);
    const since = stage.clock.now();
    for (const name of COORDINATOR_DEPLOYMENTS) await restart(stage, { name, namespace: PRODUCT_NAMESPACE }, signal);
    const newLeader = async () => {
      const holder = await leaseHolder(stage, signal);
      const isNew = holder !== '' && !old.some(uid => holder.startsWith(uid));
      return isNew ? undefined : 'an old coordinator holds the lease';
    };
    await stage.recovered('a new coordinator leads', since, newLeader);
    await stage.recovered('the rolling update is over', since, missing);
  },
};
