import { create, get, replace } from '../../common/kube/client.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';

/** Undefined when there is none. @throws KubeResponseError on any other refusal. */
export async function readObject<T extends KubeObject>(
  transport: KubeTransport,
  path: string,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await get<T>(transport, path, signal);
  } catch (error) {
    if (error instanceof KubeResponseError && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * Replaces exactly the version that was read, or creates the object if it carries no resourceVersion.
 * @returns the object as stored; undefined when another writer was faster.
 * @throws KubeResponseError on any other refusal.
 */
export async function writeObject<T extends KubeObject>(
  transport: KubeTransport,
  collection: string,
  body: T,
  signal: AbortSignal,
): Promise<T | undefined> {
  const exists = body.metadata.resourceVersion !== undefined;
  try {
    if (exists) return await replace(transport, `${collection}/${body.metadata.name}`, body, signal);
    return await create(transport, collection, body, signal);
  } catch (error) {
    if (!(error instanceof KubeResponseError)) throw error;
    if (error.status === 409 || (exists && error.status === 404)) return undefined;
    throw error;
  }
}
