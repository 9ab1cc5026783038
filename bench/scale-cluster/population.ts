import { sleep } from '../../common/clock.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { hasStatus, type KubeClient } from '../../sandbox/kube/kube-client.ts';
import { inParallel } from './in-parallel.ts';
import { deployment, NAMESPACE, namespaceObject, pod, ROLLING, service } from './objects.ts';
import { nodeName } from './scale-node.ts';
import { never, type Stand } from './stand.ts';

/** Requests that are under way at once. */
const AT_ONCE = 8;
const TRIES = 3;
/** Pods that are made and not open yet; with more of them kubelets and API server would only wait for each other. */
const UNDER_WAY_MAX = 2_000;
const PAUSE_MS = 100;
const BASE = `/api/v1/namespaces/${NAMESPACE}`;

/** Makes Services and Pods; returns when the gates of all Pods are open. */
export async function populate(stand: Stand): Promise<void> {
  const { api, clock, options, pods, wait } = stand;
  const { size } = options;
  await api.create('/api/v1/namespaces', namespaceObject(), never);
  await wait('ServiceAccounts of 1', 1, async () => {
    const { items } = await api.get<{ items: unknown[] }>(`${BASE}/serviceaccounts`, never);
    return items.length;
  });
  const apps = [ROLLING, ...Array.from({ length: size.services - 1 }, (_, index) => `web-${index + 1}`)];
  await inParallel(AT_ONCE, apps, app => make(api, 'services', service(app)));
  const rolling = deployment(ROLLING, size.rolling, { availableAfterSeconds: 0 });
  await api.create(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`, rolling, never);
  const numbers = Array.from({ length: size.pods - size.rolling }, (_, index) => index);
  await inParallel(AT_ONCE, numbers, async number => {
    while (number - pods.open > UNDER_WAY_MAX) await sleep(clock, PAUSE_MS, never);
    const app = apps[1 + (number % (apps.length - 1))] ?? '';
    const name = `${app}-${number}`;
    await makeGated(api, name, pod(name, app, nodeName(1 + (number % size.nodes))));
    stand.say(`${pods.open} of ${size.pods} gates open, ${number} Pods made`);
  });
  await wait(`of ${size.pods} gates open`, size.pods, () => pods.open);
}

/** An API server under load gives the webhook up now and then: a Pod without a gate is made anew. */
async function makeGated(api: KubeClient, name: string, object: object): Promise<void> {
  for (let tried = 1; tried <= TRIES; tried++) {
    const made = (await make<Pod>(api, 'pods', object)) ?? (await api.get<Pod>(`${BASE}/pods/${name}`, never));
    if (made.spec.readinessGates !== undefined) return;
    await api.delete(`${BASE}/pods/${name}`, { gracePeriodSeconds: 0 }, never);
  }
  throw new Error(`${name} was made ${TRIES} times without a gate: no webhook answers`);
}

/** A request that an API server under load does not answer in time may have been done all the same: undefined. */
async function make<T>(api: KubeClient, resource: 'pods' | 'services', object: object): Promise<T | undefined> {
  for (let tried = 1; ; tried++) {
    try {
      return await api.create<T>(`${BASE}/${resource}`, object, never);
    } catch (error) {
      if (hasStatus(error, 409)) return undefined;
      if (tried === TRIES) throw error;
    }
  }
}
