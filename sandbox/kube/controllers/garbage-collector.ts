import type { KubeObject } from '../../../common/kube/objects.ts';
import { hasStatus } from '../kube-client.ts';
import type { ObjectCache } from '../object-cache.ts';
import { objectPath, type Resource } from '../resource-path.ts';
import type { ControllerContext } from './cluster-caches.ts';
import { KeyLoop } from './key-loop.ts';
import { controllerOf } from './workloads.ts';

/** Deletes what a deleted controller leaves behind, in the background. Call before the caches run. */
export function garbageCollector(context: ControllerContext): KeyLoop {
  const { caches, clock, random, log } = context;
  const dependents: readonly [ObjectCache<KubeObject>, Resource, ObjectCache<KubeObject>][] = [
    [widen(caches.deployments), 'replicasets', widen(caches.replicaSets)],
    [widen(caches.replicaSets), 'pods', widen(caches.pods)],
    [widen(caches.services), 'endpointslices', widen(caches.endpointSlices)],
  ];
  const loop = new KeyLoop({
    clock,
    random,
    reconcile: async (ownerUid, signal) => {
      for (const [, resource, cache] of dependents) {
        for (const object of cache.inGroup(ownerUid)) await collect(context, resource, object, signal);
      }
      return undefined;
    },
    onError: (key, error) => log('dependents could not be deleted', { ownerUid: key, error }),
  });
  for (const [owners] of dependents) {
    owners.onChange((now, before) => {
      const uid = before?.metadata.uid;
      if (uid !== undefined && now?.metadata.uid !== uid) loop.add(uid);
    });
  }
  return loop;
}

async function collect(
  { client }: ControllerContext,
  resource: Resource,
  object: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  if (object.metadata.deletionTimestamp || !controllerOf(object)) return;
  const options = { preconditions: { uid: object.metadata.uid } };
  await client.delete(objectPath(resource, object), options, signal).catch(error => {
    if (!hasStatus(error, 404, 409)) throw error;
  });
}

/** The collector only reads. */
function widen<T extends KubeObject>(cache: ObjectCache<T>): ObjectCache<KubeObject> {
  return cache as unknown as ObjectCache<KubeObject>;
}
