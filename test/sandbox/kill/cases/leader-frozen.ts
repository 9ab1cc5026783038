import { sleep } from '../../../../common/clock.ts';
import { isWrite } from '../clb-calls.ts';
import { rollOut } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { signalPod } from '../pod-processes.ts';
import { leadingPod, leaseHolder, missingWrite, podUid } from '../questions.ts';

/** Past the lease of 10 s, and long enough for the next leader to be at work. */
const FROZEN_MS = 16_000;
const INTO_THE_ROLLOUT_MS = 3_000;
const AWAKE_MS = 5_000;

export const leaderFrozen: KillCase = {
  name: 'leader-frozen',
  fault: 'SIGSTOP of the leader for 16 s in a rolling update, then SIGCONT',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const { clock, sandbox, progress } = stage;
    const leader = await leadingPod(stage, signal);
    const holder = await leaseHolder(stage, signal);
    const missing = await rollOut(stage, signal);
    await sleep(clock, INTO_THE_ROLLOUT_MS, signal);
    signalPod(sandbox, podUid(leader), 'SIGSTOP');
    const since = clock.now();
    const frozenAt = clock.wallNow();
    progress.say(`$ kill -STOP ${leader.metadata.name}`);
    const nextHolder = async () => ((await leaseHolder(stage, signal)) === holder ? 'nobody else leads' : undefined);
    await stage.recovered('the lease is taken', since, nextHolder);
    await stage.recovered('the next leader writes', since, () => missingWrite(stage, frozenAt, leader));
    await sleep(clock, Math.max(0, since + FROZEN_MS - clock.now()), signal);
    const awakeAt = clock.wallNow();
    signalPod(sandbox, podUid(leader), 'SIGCONT');
    progress.say(`$ kill -CONT ${leader.metadata.name}`);
    await sleep(clock, AWAKE_MS, signal);
    const ip = leader.status?.podIP;
    const written = stage.clbCalls.filter(call => call.at >= awakeAt && call.podIp === ip && isWrite(call));
    if (written.length > 0) throw new Error(`the leader that was frozen wrote: ${written.map(call => call.action)}`);
    await stage.recovered('the rolling update is over', since, missing);
  },
};
