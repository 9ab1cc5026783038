import type { KubeClient } from '../kube/kube-client.ts';
import { collectionPath, type Resource } from '../kube/resource-path.ts';

/** An object to create, as it stands in a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const RESOURCES: Readonly<Record<string, Resource>> = {
  Pod: 'pods',
  Service: 'services',
  ConfigMap: 'configmaps',
  ServiceAccount: 'serviceaccounts',
  Deployment: 'deployments',
  Lease: 'leases',
};

/** Creates the objects one after the other, in `default` where they name no namespace. @throws KubeResponseError */
export async function createAll(
  client: KubeClient,
  manifests: readonly Manifest[],
  signal: AbortSignal,
): Promise<void> {
  for (const manifest of manifests) await client.create(pathFor(manifest), manifest, signal);
}

function pathFor({ kind, metadata }: Manifest): string {
  if (kind === 'Namespace') return '/api/v1/namespaces';
  const resource = RESOURCES[kind];
  if (resource) return collectionPath(resource, metadata.namespace ?? 'default');
  throw new Error(`manifests of kind ${kind} are not known here`);
}
