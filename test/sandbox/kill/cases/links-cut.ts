import { sleep } from '../../../../common/clock.ts';
import { deletePod, rollOut } from '../deeds.ts';
import type { KillCase } from '../kill-case.ts';
import { appPods, missingInCloud } from '../questions.ts';
import type { Stage } from '../stage.ts';
import type { TcpRelay } from '../tcp-relay.ts';
import { untilSomePodDrains } from './drain-moments.ts';

/** Shorter than the 3 s that a hook waits for a coordinator. */
const AGENTS_RESET_MS = 1_500;
const AGENTS_SILENT_MS = 12_000;
const CLB_RESET_MS = 3_000;
const CLB_SILENT_MS = 8_000;

export const agentsReset: KillCase = {
  name: 'agents-reset',
  fault: 'connections of all agents reset and refused for 1.5 s in a rolling update',
  lostMax: 0,
  why: '',
  perform: (stage, signal) =>
    inRollout(stage, { relay: stage.agentsToCoordinators, fate: 'refused', forMs: AGENTS_RESET_MS }, signal),
};

export const agentsSilent: KillCase = {
  name: 'agents-silent',
  fault: 'connections of all agents silent for 12 s; then a Pod is deleted',
  lostMax: 0,
  why: '',
  async perform(stage, signal) {
    const { clock } = stage;
    await disturb(stage, { relay: stage.agentsToCoordinators, fate: 'silent', forMs: AGENTS_SILENT_MS }, signal);
    const [pod] = await appPods(stage);
    if (!pod) throw new Error('the application has no Pod');
    await deletePod(stage, pod, signal);
    const since = clock.now();
    await sleep(clock, 1_000, signal);
    await stage.recovered('a deleted Pod is replaced', since, () => missingInCloud(stage, signal));
  },
};

export const clbReset: KillCase = {
  name: 'clb-reset',
  fault: 'connections to CLB reset and refused for 3 s in a rolling update',
  lostMax: 0,
  why: '',
  perform: (stage, signal) =>
    inRollout(stage, { relay: stage.coordinatorsToClb, fate: 'refused', forMs: CLB_RESET_MS }, signal),
};

export const clbSilent: KillCase = {
  name: 'clb-silent',
  fault: 'connections to CLB silent for 8 s in a rolling update',
  lostMax: 0,
  why: '',
  perform: (stage, signal) =>
    inRollout(stage, { relay: stage.coordinatorsToClb, fate: 'silent', forMs: CLB_SILENT_MS }, signal),
};

interface Disturbance {
  readonly relay: TcpRelay;
  readonly fate: 'refused' | 'silent';
  readonly forMs: number;
}

async function inRollout(stage: Stage, disturbance: Disturbance, signal: AbortSignal): Promise<void> {
  const before = (await appPods(stage)).map(({ metadata }) => metadata.name);
  const missing = await rollOut(stage, signal);
  await untilSomePodDrains(stage, before, signal);
  const since = await disturb(stage, disturbance, signal);
  await stage.recovered('the rolling update is over', since, missing);
}

/** Resolves with the moment at which it was over. */
async function disturb(stage: Stage, { relay, fate, forMs }: Disturbance, signal: AbortSignal): Promise<number> {
  const { clock, progress } = stage;
  relay.setFate(fate);
  if (fate === 'refused' && relay === stage.coordinatorsToClb) stage.resets.push(clock.wallNow());
  progress.say(`connections are ${fate}`);
  await sleep(clock, forMs, signal);
  relay.setFate('open');
  progress.say('connections are open');
  return clock.now();
}
