import { hasStatus, MERGE_PATCH } from '../kube-client.ts';
import { collectionPath, objectKey, objectPath } from '../resource-path.ts';
import type { ControllerContext } from './cluster-caches.ts';
import { type KeyLoop, keyLoop } from './key-loop.ts';
import { type EndpointSlice, planEndpointSlices } from './plan-endpoint-slices.ts';

/** Keeps the EndpointSlices of Services with a selector. Call before the caches run. */
export function endpointSliceController(context: ControllerContext): KeyLoop {
  const { caches, clock, random, log } = context;
  const loop = keyLoop({
    clock,
    random,
    reconcile: async (key, signal) => {
      await reconcile(context, key, signal);
      return 'done';
    },
    onError: (key, error) => log('EndpointSlices could not be written', { key, error }),
  });
  caches.services.onChange((now, before) => {
    const service = now ?? before;
    if (service) loop.add(objectKey(service));
  });
  caches.pods.onChange((now, before) => {
    const namespace = (now ?? before)?.metadata.namespace;
    for (const service of caches.services.values()) {
      const { selector } = service.spec;
      const isTouched = [now, before].some(pod => pod && selector && selects(selector, pod.metadata.labels ?? {}));
      if (isTouched && service.metadata.namespace === namespace) loop.add(objectKey(service));
    }
  });
  return loop;
}

async function reconcile(context: ControllerContext, key: string, signal: AbortSignal): Promise<void> {
  const { caches, client } = context;
  const service = caches.services.get(key);
  if (!service?.spec.selector || service.metadata.deletionTimestamp) return;
  const wanted = planEndpointSlices(service, [...caches.pods.values()]);
  const existing = caches.endpointSlices.inGroup(service.metadata.uid);
  for (const slice of wanted) {
    await writeSlice(
      context,
      slice,
      existing.find(({ metadata }) => metadata.name === slice.metadata.name),
      signal,
    );
  }
  for (const slice of existing.filter(other => !wanted.some(({ metadata }) => metadata.name === other.metadata.name))) {
    await client.delete(objectPath('endpointslices', slice), {}, signal).catch(error => {
      if (!hasStatus(error, 404)) throw error;
    });
  }
}

async function writeSlice(
  { client, caches }: ControllerContext,
  slice: EndpointSlice,
  existing: EndpointSlice | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (!existing) {
    const path = collectionPath('endpointslices', slice.metadata.namespace);
    caches.endpointSlices.assume(await client.create<EndpointSlice>(path, slice, signal));
    return;
  }
  const { endpoints, ports } = slice;
  if (JSON.stringify([existing.endpoints, existing.ports]) === JSON.stringify([endpoints, ports])) return;
  const path = objectPath('endpointslices', existing);
  caches.endpointSlices.assume(await client.patch<EndpointSlice>(path, MERGE_PATCH, { endpoints, ports }, signal));
}

function selects(selector: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
