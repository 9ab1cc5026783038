import type { KubeObject } from '../../common/kube/objects.ts';

const PREFIXES = {
  pods: '/api/v1',
  nodes: '/api/v1',
  services: '/api/v1',
  events: '/api/v1',
  configmaps: '/api/v1',
  secrets: '/api/v1',
  serviceaccounts: '/api/v1',
  replicasets: '/apis/apps/v1',
  deployments: '/apis/apps/v1',
  endpointslices: '/apis/discovery.k8s.io/v1',
  leases: '/apis/coordination.k8s.io/v1',
} as const;

export type Resource = keyof typeof PREFIXES;

/** `/api/v1/pods`, or with a namespace `/api/v1/namespaces/default/pods`. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${PREFIXES[resource]}${scope}/${resource}`;
}

/** The path of an object, or of one of its subresources. */
export function objectPath(resource: Resource, object: KubeObject, subresource?: string): string {
  const path = `${collectionPath(resource, object.metadata.namespace)}/${object.metadata.name}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `namespace/name`, or the name alone where there is no namespace: the key that reflectors use. */
export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}
