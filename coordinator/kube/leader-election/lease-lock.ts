import { create, get, replace } from '../../../common/kube/client.ts';
import type { Lease } from '../../../common/kube/objects.ts';
import { resourcePath } from '../../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../../common/kube/transport.ts';

/** The stored record of an election; apart from the algorithm, as in client-go. */
export interface LeaseLock {
  /** For messages. */
  readonly name: string;
  /** @returns undefined when there is none. */
  read(signal: AbortSignal): Promise<Lease | undefined>;
  /** Creates the lease, or replaces exactly the version it carries. @throws KubeResponseError 409 when another was first. */
  write(lease: Lease, signal: AbortSignal): Promise<Lease>;
}

export interface LeaseLockOptions {
  readonly transport: KubeTransport;
  readonly namespace: string;
  readonly name: string;
}

export function leaseLock({ transport, namespace, name }: LeaseLockOptions): LeaseLock {
  const collection = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace };
  const path = resourcePath({ ...collection, name });
  return {
    name: `Lease ${namespace}/${name}`,
    async read(signal) {
      try {
        return await get<Lease>(transport, path, signal);
      } catch (error) {
        if (error instanceof KubeResponseError && error.status === 404) return undefined;
        throw error;
      }
    },
    write(lease, signal) {
      if (lease.metadata.resourceVersion) return replace<Lease>(transport, path, lease, signal);
      const metadata = { namespace, name };
      const object: Lease = { ...lease, apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata };
      return create<Lease>(transport, resourcePath(collection), object, signal);
    },
  };
}
