import { sleep } from '../../../../common/clock.ts';
import { assertHookWaits, deletePod, killPods } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { appPods, coordinators, leaseHolder, missingInCloud } from '../questions.ts';
import { untilDraining } from './drain-moments.ts';

/** CLB's forwarders have followed by then. */
const SETTLED_MS = 2_500;

export const coordinatorsKilled: KillCase = {
  name: 'coordinators-killed',
  fault: 'kill -9 of all coordinators at once while a Pod drains',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const { clock } = stage;
    const [pod] = await appPods(stage);
    if (!pod) throw new Error('the application has no Pod');
    await deletePod(stage, pod, signal);
    await untilDraining(stage, pod.metadata.name, signal);
    await sleep(clock, SETTLED_MS, signal);
    const holder = await leaseHolder(stage, signal);
    const all = await coordinators(stage);
    assertHookWaits(stage, pod.metadata.name);
    const since = killPods(stage, all);
    const nextHolder = async () => ((await leaseHolder(stage, signal)) === holder ? 'nobody leads' : undefined);
    await stage.recovered('the lease is taken', since, nextHolder);
    await stage.recovered('everything is as wanted', since, () => missingInCloud(stage, signal));
  },
};
