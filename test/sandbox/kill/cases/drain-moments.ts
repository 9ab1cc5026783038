import { momentsOf, type PodMoments } from '../../../../sandbox/demo/moments.ts';
import { journalOf } from '../questions.ts';
import type { Stage } from '../stage.ts';

const DRAIN_LIMIT_MS = 40_000;

export async function podMoments(stage: Stage, podName: string, signal: AbortSignal): Promise<PodMoments> {
  return momentsOf(podName, stage.sandbox.records, await journalOf(stage, signal));
}

/** Waits until a read of CLB shows the Pod at weight 0 while its hook still waits. */
export async function untilDraining(stage: Stage, podName: string, signal: AbortSignal): Promise<void> {
  const missing = async () =>
    (await podMoments(stage, podName, signal)).weightZero === undefined ? `${podName} is open` : undefined;
  await stage.progress.until(`${podName} is at weight 0`, { limitMs: DRAIN_LIMIT_MS, missing }, signal);
}

/** Waits until the first Pod that goes is at weight 0. */
export async function untilSomePodDrains(
  stage: Stage,
  podNames: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const missing = async () => {
    const moments = await Promise.all(podNames.map(name => podMoments(stage, name, signal)));
    return moments.some(({ weightZero }) => weightZero !== undefined) ? undefined : 'no Pod drains';
  };
  await stage.progress.until('a Pod is at weight 0', { limitMs: DRAIN_LIMIT_MS, missing }, signal);
}
