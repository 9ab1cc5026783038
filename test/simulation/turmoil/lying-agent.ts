import type { Timer } from '../../../common/clock.ts';
import { type Random, randomInteger } from '../../../common/random.ts';
import { claimOf, drawLie, type Lie } from '../lies/draw-lie.ts';
import { pick } from '../pick.ts';
import type { World } from '../world.ts';
import { isAgentMissing } from './process-troubles.ts';
import type { Begun, Kinds, Site } from './trouble.ts';

const PAUSE_MS = [100, 6_000] as const;
/** Of Pods of other nodes, those that it speaks of before their own agent's word is under way. */
const FIRST_SHARE = 0.5;
const PODS = '/api/v1/namespaces/default/pods';

/** Somebody has taken over a node: its agent says what it likes, with a token that proves which node it is (law L12). */
export const LYING_AGENT: Kinds = {
  'an agent lies': { share: 2, lastsMs: [10_000, 180_000], begin: lie },
};

/** One node in a run: of all others every law is judged. When it is found out, the node gets a new agent and its Pods are deleted. */
function lie({ world, chronicle, liars }: Site, random: Random): Begun | undefined {
  const nodes = [...world.nodes.values()].filter(
    ({ isDark, name }) => !isDark && (liars.get(name) ?? 'lied') === 'lied',
  );
  const known = nodes.filter(({ name }) => liars.has(name));
  if (nodes.length === 0 || (liars.size > 0 && known.length === 0)) return undefined;
  const { name: nodeName } = pick(random, known.length > 0 ? known : nodes);
  liars.set(nodeName, 'lies');
  const stop = startLying(world, nodeName, random);
  const end = () => {
    stop();
    liars.set(nodeName, 'lied');
    world.agents.get(nodeName)?.sever();
    if (isAgentMissing(world, nodeName)) world.startAgent(nodeName);
    const own = chronicle.pods.at(world.clock.wallNow()).filter(({ spec }) => spec.nodeName === nodeName);
    for (const { metadata } of own) world.send('DELETE', `${PODS}/${metadata.name}`);
  };
  return { text: `the agent of ${nodeName} lies`, end, misleads: true, harms: pod => pod.nodeName === nodeName };
}

/** @returns what ends it */
function startLying(world: World, nodeName: string, random: Random): () => void {
  const { clock, log } = world;
  const { tap } = world.network;
  let timer: Timer;
  const tell = (said: Lie | undefined) => {
    if (!said) return;
    log.add('lie', { nodeName, text: said.text });
    tap.tell(nodeName, said.message);
  };
  const goOn = () => {
    timer = clock.schedule(randomInteger(random, ...PAUSE_MS), () => {
      const own = world.coordinators.filter(({ home }) => home.nodeName === nodeName);
      const ownCoordinators = new Set(own.map(({ home }) => home.podUid));
      tell(drawLie({ nodeName, tap, random, ownCoordinators, wallNow: clock.wallNow() }));
      goOn();
    });
  };
  const ignore = tap.onPod(pod => {
    if (pod.nodeName === nodeName || random.next() >= FIRST_SHARE) return;
    tell(claimOf(pod, { random, wallNow: clock.wallNow() }));
  });
  goOn();
  return () => {
    timer.cancel();
    ignore();
  };
}
