import type { Pod } from '../../../../common/kube/objects.ts';
import type { Breach } from '../../../simulation/breach.ts';
import { deletePod, refuseEverything, takeCallsAgain } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { appPods, missingInCloud } from '../questions.ts';
import { APP_REPLICAS, CONNECTIONS_AT_ONCE, REQUESTS_PER_SECOND, type Stage } from '../stage.ts';

/** From SIGTERM until CLB's own check has noticed: 2 checks 2 s apart, 1 s for the second to fail, 2 s for the forwarder. */
const OPEN_SECONDS = 7;
const LOST_MAX = CONNECTIONS_AT_ONCE + Math.ceil((REQUESTS_PER_SECOND / APP_REPLICAS) * OPEN_SECONDS);
const TERMINATION_LIMIT_MS = 60_000;

/** What failing open means: the hook returns, and the Pod is still open in CLB. */
function isGivenUp({ law, message }: Breach): boolean {
  return law === 'L4' && message.includes('got SIGTERM with weight');
}

export const drainUnheard: KillCase = {
  name: 'drain-unheard',
  fault: 'connections of all agents silent while a Pod is deleted, until it has ended',
  lostMax: LOST_MAX,
  why: 'nobody hears of the drain; its hook returns, and CLB sends requests until its own check fails',
  excuses: isGivenUp,
  async perform(stage, signal) {
    stage.agentsToCoordinators.setFate('silent');
    stage.progress.say('connections are silent');
    await deleteAndAwaitEnd(stage, signal);
    stage.agentsToCoordinators.setFate('open');
    const since = stage.clock.now();
    stage.progress.say('connections are open');
    await stage.recovered('the Pod is replaced', since, () => missingInCloud(stage, signal));
  },
};

export const drainRefused: KillCase = {
  name: 'drain-refused',
  fault: 'CLB refuses every call while a Pod is deleted, until it has ended',
  lostMax: LOST_MAX,
  why: 'CLB cannot be told; the hook returns at the end of its 30 s, and CLB sends requests until its own check fails',
  excuses: isGivenUp,
  async perform(stage, signal) {
    await refuseEverything(stage, signal);
    await deleteAndAwaitEnd(stage, signal);
    await takeCallsAgain(stage, signal);
    const since = stage.clock.now();
    await stage.recovered('the Pod is replaced', since, () => missingInCloud(stage, signal));
  },
};

async function deleteAndAwaitEnd(stage: Stage, signal: AbortSignal): Promise<void> {
  const [pod] = await appPods(stage);
  if (!pod) throw new Error('the application has no Pod');
  await deletePod(stage, pod, signal);
  const since = stage.clock.now();
  const heldUntil = () => (isTerminated(stage, pod) ? undefined : 'its hook waits');
  await stage.recovered('the hook was given up', since, heldUntil);
  const missing = async () => (await stage.reader.pods(`app=${pod.metadata.labels?.app}`)).some(isSame(pod));
  const ended = async () => ((await missing()) ? 'it is still there' : undefined);
  await stage.progress.until('the Pod has ended', { limitMs: TERMINATION_LIMIT_MS, missing: ended }, signal);
}

function isTerminated({ sandbox }: Stage, pod: Pod): boolean {
  return sandbox.records.some(({ podUid, type }) => podUid === pod.metadata.uid && type === 'signalled');
}

function isSame(pod: Pod): (other: Pod) => boolean {
  return other => other.metadata.uid === pod.metadata.uid;
}
