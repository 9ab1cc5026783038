import { sleep } from '../../common/clock.ts';
import { takenOut } from './clb-journal.ts';
import { evenLatency } from './cloud.ts';
import { NAMESPACE, ROLLING } from './objects.ts';
import type { FollowedPod } from './pod-follower.ts';
import { never, type Stand } from './stand.ts';

/** So long that a Service's turn comes again only when the Pod before it is gone. */
const PAUSE_MS = 250;

/** Milliseconds from each request to delete a Pod to the call that takes its target out; load balancers are idle. */
export async function deletionTimes(stand: Stand, callMs: number): Promise<number[]> {
  const { clock, cloud, options, say } = stand;
  await cloud.setLatency(evenLatency(callMs));
  const beganAtMs = clock.wallNow();
  const deleted: { readonly pod: FollowedPod; readonly atMs: number }[] = [];
  for (const pod of alonePods(stand).slice(0, options.deletions)) {
    deleted.push({ pod, atMs: clock.wallNow() });
    await deletePod(stand, pod);
    say(`${deleted.length} Pods deleted, calls of ${callMs} ms`);
    await sleep(clock, PAUSE_MS, never);
  }
  await stand.wait(`of ${deleted.length} deleted Pods gone`, deleted.length, () => {
    return deleted.filter(({ pod }) => !stand.pods.pods.has(pod.name)).length;
  });
  const moments = takenOut(cloud.journal.records(), beganAtMs);
  return deleted.map(({ pod, atMs }) => {
    const takenOutAtMs = moments.get(pod.address ?? '');
    if (takenOutAtMs === undefined) throw new Error(`no call took out ${pod.name}, ${pod.address}`);
    return takenOutAtMs - atMs;
  });
}

/** Those that no controller would replace, as they were made: neighbours belong to different Services. */
export function alonePods({ pods }: Stand): FollowedPod[] {
  return [...pods.pods.values()].filter(({ app, gateAtMs }) => app !== ROLLING && gateAtMs !== undefined);
}

export async function deletePod({ api }: Stand, { name }: FollowedPod): Promise<void> {
  await api.delete(`/api/v1/namespaces/${NAMESPACE}/pods/${name}`, {}, never);
}
