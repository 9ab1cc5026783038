import type { Pod } from '../../../common/kube/objects.ts';
import { type Random, randomInteger } from '../../../common/random.ts';
import { NodeSignKind } from '../../../proto/gen/clbdirect/v1/report.ts';
import type { PodPlace } from '../evidence.ts';
import { DEPLOYMENTS, deployment } from '../manifests.ts';
import { pick } from '../pick.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { World } from '../world.ts';
import { isAgentMissing } from './process-troubles.ts';
import type { Begun, Kinds, Site } from './trouble.ts';

/** So many machines stay on, whatever happens. */
const NODES_MIN = 3;
/** As kubectl waits when a budget forbids an eviction. */
const EVICTION_RETRY_MS = 5_000;
const PODS = '/api/v1/namespaces/default/pods';
const TO_BE_DELETED = { key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' };

/** What happens to machines and to what runs on them. */
export const NODE_TROUBLES: Kinds = {
  'a node loses power': { share: 2, lastsMs: [5_000, 180_000], begin: losePower },
  'a node is gone for good': { share: 1, lastsMs: [10_000, 120_000], begin: goForGood },
  'a node is drained': { share: 3, lastsMs: [30_000, 90_000], isBearable: true, begin: drainNode },
  'a node announces its end': { share: 2, lastsMs: [5_000, 60_000], isBearable: true, begin: announceEnd },
  'a container crashes': { share: 3, lastsMs: [0, 0], begin: crash },
  'containers crash again and again': { share: 2, lastsMs: [20_000, 120_000], begin: crashLoop },
  'a Pod is deleted hard': { share: 3, lastsMs: [0, 0], begin: deleteHard },
};

function lit(world: World): readonly SimulatedNode[] {
  return [...world.nodes.values()].filter(({ isDark }) => !isDark);
}

function losePower({ world, replicas }: Site, random: Random): Begun | undefined {
  const nodes = lit(world);
  if (nodes.length <= NODES_MIN) return undefined;
  const node = pick(random, nodes);
  if (!replicas.surviveWithout(node.name)) return undefined;
  node.die();
  return { text: `${node.name} loses its power`, end: () => turnOn(world, node), harms: isOn(node) };
}

function isOn({ name }: SimulatedNode): (pod: PodPlace) => boolean {
  return ({ nodeName }) => nodeName === name;
}

function turnOn(world: World, node: SimulatedNode): void {
  if (!node.isDark) return;
  node.boot();
  if (isAgentMissing(world, node.name)) world.startAgent(node.name);
}

/** Its owner removes what is left of it when the time is over. */
function goForGood({ world, chronicle, replicas }: Site, random: Random): Begun | undefined {
  const nodes = lit(world);
  if (nodes.length <= NODES_MIN) return undefined;
  const node = pick(random, nodes);
  if (!replicas.surviveWithout(node.name)) return undefined;
  node.die();
  const end = () => {
    world.send('DELETE', `/api/v1/nodes/${node.name}`);
    const left = chronicle.pods.at(world.clock.wallNow()).filter(({ spec }) => spec.nodeName === node.name);
    for (const { metadata } of left) world.send('DELETE', `${PODS}/${metadata.name}`, { gracePeriodSeconds: 0 });
    replicas.leave(node.name, random);
  };
  return { text: `${node.name} loses its power for good`, end, harms: isOn(node) };
}

/** As `kubectl drain` does it where each app has a budget that keeps one Pod available; afterwards it takes Pods again. */
function drainNode({ world, chronicle, drained }: Site, random: Random): Begun | undefined {
  const nodes = lit(world);
  if (nodes.length <= NODES_MIN || drained.size > 0) return undefined;
  const node = pick(random, nodes);
  const path = `/api/v1/nodes/${node.name}`;
  world.send('PATCH', path, { spec: { unschedulable: true } });
  const next = () => {
    if (!drained.has(node.name)) return;
    const pods = chronicle.pods.at(world.clock.wallNow());
    for (const pod of evictable(pods, node)) evict(world, pod);
    world.clock.schedule(EVICTION_RETRY_MS, next);
  };
  drained.add(node.name);
  next();
  const end = () => {
    drained.delete(node.name);
    world.send('PATCH', path, { spec: { unschedulable: null } });
  };
  return { text: `${node.name} is drained`, end, harms: isOn(node) };
}

/** The Pods on the node that may go at once: a ready one only while another ready one of its app stays. */
function evictable(pods: readonly Pod[], { name }: SimulatedNode): readonly Pod[] {
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const staying = new Set(living.filter(isReady));
  return living.filter(pod => {
    if (pod.spec.nodeName !== name) return false;
    if (![...staying].some(other => other !== pod && other.metadata.labels?.app === pod.metadata.labels?.app))
      return !isReady(pod);
    staying.delete(pod);
    return true;
  });
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function evict(world: World, { metadata: { name, namespace } }: Pod): void {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  world.send('POST', `${PODS}/${name}/eviction`, eviction);
}

/** It is taken back: whoever believed it has to open again. */
function announceEnd({ world }: Site, random: Random): Begun | undefined {
  const nodes = lit(world);
  if (nodes.length <= NODES_MIN) return undefined;
  const node = pick(random, nodes);
  if (random.next() < 0.5) {
    node.signs.announce([{ kind: NodeSignKind.SHUTDOWN, detail: 'the machine goes down' }]);
    return { text: `${node.name} announces its shutdown`, end: () => node.signs.announce([]), harms: isOn(node) };
  }
  const path = `/api/v1/nodes/${node.name}`;
  const taint = (taints: readonly object[]) => world.send('PATCH', path, { spec: { taints } });
  taint([TO_BE_DELETED]);
  return { text: `${node.name} is to be deleted`, end: () => taint([]), harms: isOn(node) };
}

function crash({ world, chronicle }: Site, random: Random): Begun | undefined {
  const pods = chronicle.pods.at(world.clock.wallNow());
  if (pods.length === 0) return undefined;
  const { uid = '', name } = pick(random, pods).metadata;
  world.crash(uid);
  return { text: `the container of ${name} crashes`, harms: pod => pod.podUid === uid };
}

/** A Deployment of its own, whose Pods one of the users' Services selects. */
function crashLoop({ world }: Site, random: Random): Begun {
  const name = `crashing-${randomInteger(random, 100, 999)}`;
  const image = pick(random, ['crashing', 'crashing-when-ready']);
  const app = pick(random, ['red', 'green', 'blue']);
  world.send('POST', DEPLOYMENTS, deployment(name, { replicas: 2, hooked: true, image, app }));
  return {
    text: `${image}: two Pods of ${app} crash again and again`,
    end: () => world.send('DELETE', `${DEPLOYMENTS}/${name}`),
    harms: ({ podName }) => podName.startsWith(name),
  };
}

function deleteHard({ world, chronicle }: Site, random: Random): Begun | undefined {
  const pods = chronicle.pods.at(world.clock.wallNow());
  if (pods.length === 0) return undefined;
  const { name } = pick(random, pods).metadata;
  const gracePeriodSeconds = pick(random, [0, 1, 1, 30]);
  world.send('DELETE', `${PODS}/${name}`, { gracePeriodSeconds });
  return { text: `${name} is deleted with ${gracePeriodSeconds} s of grace`, harms: ({ podName }) => podName === name };
}
