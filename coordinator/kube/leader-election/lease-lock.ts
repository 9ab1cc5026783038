import { create, get, replace } from '../../../common/kube/client.ts';
import type { Lease } from '../../../common/kube/objects.ts';
import { resourcePath } from '../../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../../common/kube/transport.ts';

/** The Lease object of an election; apart from the algorithm, as in client-go. */
export class LeaseLock {
  /** `namespace/name`, for messages. */
  readonly name: string;
  readonly #transport: KubeTransport;
  readonly #metadata: { readonly namespace: string; readonly name: string };

  constructor(transport: KubeTransport, metadata: { readonly namespace: string; readonly name: string }) {
    this.#transport = transport;
    this.#metadata = metadata;
    this.name = `Lease ${metadata.namespace}/${metadata.name}`;
  }

  /** @returns undefined when there is none. */
  async read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await get<Lease>(this.#transport, this.#path(), signal);
    } catch (error) {
      if (error instanceof KubeResponseError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Creates the lease, or replaces exactly the version it carries. @throws KubeResponseError 409 when another was first. */
  write(lease: Lease, signal: AbortSignal): Promise<Lease> {
    if (lease.metadata.resourceVersion) return replace<Lease>(this.#transport, this.#path(), lease, signal);
    const object: Lease = {
      ...lease,
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...this.#metadata },
    };
    return create<Lease>(this.#transport, this.#path(null), object, signal);
  }

  #path(name: string | null = this.#metadata.name): string {
    const { namespace } = this.#metadata;
    const collection = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace };
    return resourcePath(name === null ? collection : { ...collection, name });
  }
}
