import { type Random, randomInteger } from '../../../common/random.ts';
import { Users } from '../convergence/users.ts';
import { DEPLOYMENTS, restartPatch } from '../manifests.ts';
import { pick } from '../pick.ts';
import type { Begun, Kinds, Site } from './trouble.ts';

/** Deployments whose Services stay as they are, and whose clients never rest. */
export const BUSY_APPS = ['web', 'shop'];
const REPLICAS = [2, 5] as const;

/** What users do. */
export const CHANGES: Kinds = {
  'users change something': { share: 3, lastsMs: [0, 0], isBearable: true, begin: changeSomething },
  'a busy Deployment changes': { share: 2, lastsMs: [0, 0], isBearable: true, begin: changeBusy },
};

async function changeSomething({ world, chronicle, shared }: Site, random: Random): Promise<Begun> {
  const users = new Users({ world, random, chronicle, shared });
  await users.changeSomething();
  return { text: users.told.join(', ').replace(/^[\d.]+ s: /, '') || 'users try what is not possible' };
}

function changeBusy({ world, chronicle }: Site, random: Random): Begun {
  const app = pick(random, BUSY_APPS);
  const path = `${DEPLOYMENTS}/${app}`;
  const dice = random.next();
  if (dice < 0.5) {
    world.send('PATCH', path, restartPatch(world.clock.now()));
    return { text: `${app} is rolled` };
  }
  if (dice < 0.8) {
    const replicas = randomInteger(random, ...REPLICAS);
    world.send('PATCH', path, { spec: { replicas } });
    return { text: `${app} is scaled to ${replicas}` };
  }
  const pods = chronicle.pods.at(world.clock.wallNow()).filter(({ metadata }) => metadata.labels?.app === app);
  if (pods.length === 0) return { text: `${app} has no Pod to delete` };
  const { name } = pick(random, pods).metadata;
  world.send('DELETE', `/api/v1/namespaces/default/pods/${name}`);
  return { text: `${name} is deleted` };
}
