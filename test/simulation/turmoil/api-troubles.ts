import { type Random, randomInteger } from '../../../common/random.ts';
import type { ApiFault } from '../api-faults.ts';
import { pick } from '../pick.ts';
import { agents, coordinators } from './living.ts';
import type { Begun, Kinds, Site } from './trouble.ts';

/** What the API server does to single requests, and to whoever watches it. */
export const API_TROUBLES: Kinds = {
  'the API server fails': { share: 4, lastsMs: [1_000, 30_000], deafens: true, begin: fail },
  'the API server forgets': { share: 2, lastsMs: [0, 0], isBearable: true, deafens: true, begin: forget },
};

function fail({ world }: Site, random: Random): Begun {
  const fault: ApiFault = {
    hits: pick(random, ['reads', 'writes', 'writes', 'watches'] as const),
    status: pick(random, [409, 410, 429, 500, 503, 504, 'never'] as const),
    when: pick(random, ['before', 'after'] as const),
    count: randomInteger(random, 1, 12),
  };
  world.apiFaults.add(fault);
  return { text: `the API server: ${JSON.stringify(fault)}`, end: () => world.apiFaults.remove(fault) };
}

/** Its history is compacted and watches break: those who knew something old have to list again. */
function forget({ world }: Site, random: Random): Begun {
  world.compactApi();
  const watchers = [...coordinators(world), ...agents(world)].filter(() => random.next() < 0.7);
  for (const { kube } of watchers) kube.cut();
  return { text: `the API server is compacted; watches of ${watchers.map(({ name }) => name).join(', ')} break` };
}
