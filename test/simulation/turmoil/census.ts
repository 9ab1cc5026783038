import type { Breach } from '../breach.ts';
import type { Process } from '../process/process.ts';
import type { CoordinatorProcess, World } from '../world.ts';
import { agents, coordinators } from './living.ts';

/**
 * What a kind of process holds, at the least of several looks, for those of its kind that hold the most: some agents have a
 * container runtime to ask, and others have none.
 */
export type Census = ReadonlyMap<string, number>;

const LOOKS = 12;
const LOOK_MS = 700;
/** Between two looks something is always under way, and Events wait to be told together: two of each node, and some more. */
const SLACK = 2;
const TIMERS_SLACK = 12;

/** Virtual time moves on while it looks. */
export async function takeCensus(world: World): Promise<Census> {
  let least = countNow(world);
  for (let look = 1; look < LOOKS; look += 1) {
    await world.clock.advance(LOOK_MS);
    const now = countNow(world);
    least = new Map([...least].map(([what, count]) => [what, Math.min(count, now.get(what) ?? 0)]));
  }
  return least;
}

/**
 * Whatever happened, a process holds no more than one that has just begun and has the same to do.
 * @param fresh taken of such processes
 */
export function leaksBetween(old: Census, fresh: Census): Breach[] {
  return [...old].flatMap(([what, count]) => {
    const enough = fresh.get(what) ?? 0;
    return count > enough + (what.endsWith('timers') ? TIMERS_SLACK : SLACK)
      ? [{ law: 'leak', message: `${what}: ${count}, and ${enough} in a new process` }]
      : [];
  });
}

function countNow(world: World): Census {
  const most = new Map<string, number>();
  const note = (what: string, count: number) => most.set(what, Math.max(count, most.get(what) ?? 0));
  for (const replica of coordinators(world)) {
    for (const [what, count] of Object.entries(heldBy(world, replica))) {
      note(`${replica.coordinator.isLeading ? 'leader' : 'follower'}, ${what}`, count);
    }
  }
  for (const agent of agents(world)) {
    for (const [what, count] of Object.entries(heldByAny(agent))) note(`agent, ${what}`, count);
  }
  return most;
}

function heldBy(world: World, replica: CoordinatorProcess): Readonly<Record<string, number>> {
  const { store, drains } = replica.coordinator.knowledge;
  return {
    ...heldByAny(replica),
    streams: world.network.streamsAt(replica.name),
    Pods: store.pods.size,
    nodes: store.nodes.size,
    drains: drains.size,
    'nodes watched for their agents': replica.coordinator.watchedNodes.length,
  };
}

function heldByAny({ clock, kube }: Process): Readonly<Record<string, number>> {
  return { timers: clock.pending, watches: kube.watches };
}
