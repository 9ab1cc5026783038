import { sleep } from '../../common/clock.ts';
import { takenOut } from './clb-journal.ts';
import type { Coordinator } from './coordinators.ts';
import { alonePods, deletePod } from './deletions.ts';
import type { FollowedPod } from './pod-follower.ts';
import { never, type Stand } from './stand.ts';

export type Death = 'killed' | 'frozen';

/** Milliseconds from a leader's death. */
export interface DeathFigures {
  /** Until the next leader's first write. */
  readonly firstWriteMs: number;
  /** Until the Pod is taken out that was deleted when the leader died. */
  readonly firstPodMs: number;
}

/** Between two deletions, so that whoever leads next finds fresh work. */
const PAUSE_MS = 500;

/**
 * Pods are deleted one after another from a leader's death on, until the first of them is taken out by the next one. `killed`:
 * its process by SIGKILL, and its container's exit is seen; `frozen`: its process by SIGSTOP, and all of its node.
 * @throws Error when a living Pod was taken out
 */
export async function leaderDeath(stand: Stand, death: Death): Promise<DeathFigures> {
  const { clock, cloud, pods, wait } = stand;
  const leader = await stand.coordinators.untilLed();
  const candidates = alonePods(stand).filter(({ node }) => node !== leader.pod.node);
  const diedAtMs = clock.wallNow();
  const written = () => takenOut(cloud.journal.records(), diedAtMs);
  const restart = die(stand, leader, death);
  const deleted: FollowedPod[] = [];
  for (const pod of candidates) {
    stand.say(`${deleted.length} Pods deleted since a leader was ${death}`);
    await deletePod(stand, pod);
    deleted.push(pod);
    await sleep(clock, PAUSE_MS, never);
    const moments = written();
    if (deleted.some(({ address = '' }) => moments.has(address))) break;
  }
  await wait(`of ${deleted.length} deleted Pods taken out and gone`, deleted.length, () => {
    return deleted.filter(({ name, address = '' }) => !pods.pods.has(name) && written().has(address)).length;
  });
  const moments = written();
  const living = [...pods.pods.values()].filter(({ address = '' }) => moments.has(address));
  if (living.length > 0)
    throw new Error(`a new leader took out ${living.map(({ name }) => name).join(', ')}, which live`);
  await restart();
  await stand.coordinators.untilHeard(stand.options.size.nodes);
  const times = deleted.map(({ address = '' }) => (moments.get(address) ?? Number.NaN) - diedAtMs);
  return { firstWriteMs: Math.min(...times), firstPodMs: times[0] ?? Number.NaN };
}

/** Returns what brings it back. */
function die({ hosts, coordinators }: Stand, leader: Coordinator, death: Death): () => Promise<void> {
  const { replica, pod, process } = leader;
  const { node, uid } = pod;
  if (death === 'frozen') {
    hosts.tell({ type: 'freeze', node });
    process.signal('SIGSTOP');
    return async () => {
      process.signal('SIGCONT');
      hosts.tell({ type: 'wake', node });
    };
  }
  process.signal('SIGKILL');
  const started = hosts.crash(node, uid);
  return async () => {
    await started;
    await coordinators.start(replica, pod);
  };
}
