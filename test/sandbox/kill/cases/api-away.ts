import { sleep } from '../../../../common/clock.ts';
import { isWrite } from '../clb-calls.ts';
import { rollOut } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { appPods, leadingPod, leaseHolder, missingWrite, podUid } from '../questions.ts';
import { untilSomePodDrains } from './drain-moments.ts';

const POD_UID_CLAIM = 'authentication.kubernetes.io/pod-uid';
const LEADER_APART_MS = 16_000;
const STOPPED_MS = 60_000;

export const leaderApart: KillCase = {
  name: 'leader-apart',
  fault: 'the leader cut off from the API server for 16 s in a rolling update',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const { clock, progress, api } = stage;
    const leader = await leadingPod(stage, signal);
    const holder = await leaseHolder(stage, signal);
    const before = (await appPods(stage)).map(({ metadata }) => metadata.name);
    const missing = await rollOut(stage, signal);
    await untilSomePodDrains(stage, before, signal);
    api.hold(user => user?.extra?.[POD_UID_CLAIM]?.includes(podUid(leader)) ?? false);
    const since = clock.now();
    const cutAt = clock.wallNow();
    progress.say(`the API server no longer answers ${leader.metadata.name}`);
    const nextHolder = async () => ((await leaseHolder(stage, signal)) === holder ? 'nobody else leads' : undefined);
    await stage.recovered('the lease is taken', since, nextHolder);
    const takenAt = clock.wallNow();
    await stage.recovered('the next leader writes', since, () => missingWrite(stage, cutAt, leader));
    await sleep(clock, Math.max(0, since + LEADER_APART_MS - clock.now()), signal);
    api.release();
    const ip = leader.status?.podIP;
    const written = stage.clbCalls.filter(call => call.at >= takenAt && call.podIp === ip && isWrite(call));
    if (written.length > 0) throw new Error(`the former leader wrote: ${written.map(call => call.action)}`);
    await stage.recovered('the rolling update is over', since, missing);
  },
};

export const apiStopped: KillCase = {
  name: 'api-stopped',
  fault: 'the API server stopped for 60 s; then a rolling update',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const { clock, progress, api } = stage;
    api.hold(() => true);
    progress.say('the API server is stopped');
    await sleep(clock, STOPPED_MS, signal);
    api.release();
    const since = clock.now();
    const backAt = clock.wallNow();
    progress.say('the API server goes on');
    const missing = await rollOut(stage, signal);
    await stage.recovered('a leader writes', since, () => missingWrite(stage, backAt));
    await stage.recovered('the rolling update is over', since, missing);
  },
};
