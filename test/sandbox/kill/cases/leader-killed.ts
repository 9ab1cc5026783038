import { sleep } from '../../../../common/clock.ts';
import { STRATEGIC_MERGE_PATCH } from '../../../../sandbox/kube/kube-client.ts';
import { collectionPath } from '../../../../sandbox/kube/resource-path.ts';
import { isOpen } from '../../../simulation/evidence.ts';
import { killPods } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { cloudTargets, leadingPod, leaseHolder, missingInCloud, missingWrite } from '../questions.ts';
import type { Stage } from '../stage.ts';
import { WIDE, WIDE_PODS_AT_FIRST, WIDE_PODS_LATER, WIDE_PORT_FIRST, WIDE_PORTS, wideManifests } from '../workloads.ts';

const START_LIMIT_MS = 60_000;
/** A batch of 441 targets takes CLB 4.3 s. */
const INTO_THE_BATCH_MS = 1_500;

export const leaderKilled: KillCase = {
  name: 'leader-killed',
  fault: 'kill -9 of the leader in the middle of a batch of 441 targets',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    await widen(stage, signal);
    const leader = await leadingPod(stage, signal);
    const holder = await leaseHolder(stage, signal);
    await sleep(stage.clock, INTO_THE_BATCH_MS, signal);
    const killedAt = stage.clock.wallNow();
    const since = killPods(stage, [leader]);
    const nextHolder = async () => ((await leaseHolder(stage, signal)) === holder ? 'nobody else leads' : undefined);
    await stage.recovered('the lease is taken', since, nextHolder);
    await stage.recovered('the next leader writes', since, () => missingWrite(stage, killedAt, leader));
    await stage.recovered('all 490 targets are open', since, () => missingWide(stage, WIDE_PODS_LATER, signal));
    await stage.recovered('everything is as wanted', since, () => missingInCloud(stage, signal));
  },
};

/** 49 targets serve under load, and the call for the others is on its way. */
async function widen(stage: Stage, signal: AbortSignal): Promise<void> {
  const { reader, progress, sandbox } = stage;
  await stage.create(wideManifests());
  const missing = async () =>
    (await reader.missingExternalIp(WIDE)) ??
    (await reader.missingReadyPods(`app=${WIDE}`, WIDE_PODS_AT_FIRST + WIDE_PODS_LATER)) ??
    (await missingWide(stage, 0, signal));
  await progress.until('49 listeners serve', { limitMs: START_LIMIT_MS, missing }, signal);
  const url = `http://${await reader.externalIp(WIDE)}:${WIDE_PORT_FIRST}/`;
  stage.load(WIDE, url, ['--rate=10', '--keep-alive-clients=5']);
  const before = stage.clbCalls.length;
  const body = { spec: { selector: { part: null } } };
  await sandbox.client.patch(`${collectionPath('services', 'default')}/${WIDE}`, STRATEGIC_MERGE_PATCH, body, signal);
  const batch = () =>
    stage.clbCalls.slice(before).some(({ action }) => action === 'BatchRegisterTargets') ? undefined : 'no call yet';
  await progress.until('a batch for the others is on its way', { limitMs: START_LIMIT_MS, missing: batch }, signal);
}

async function missingWide(stage: Stage, more: number, signal: AbortSignal): Promise<string | undefined> {
  const targets = await cloudTargets(stage, signal);
  const open = targets.filter(target => target.podName.startsWith(`${WIDE}-`) && isOpen(target)).length;
  const wanted = (WIDE_PODS_AT_FIRST + more) * WIDE_PORTS;
  return open === wanted ? undefined : `${open} of ${wanted} targets are open`;
}
