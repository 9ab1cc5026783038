import type { OwnerRecord } from '../kube/owner-record.ts';

const INGRESS_PREFIX = 'Ingress ';

/** Names a claimable object: `namespace/name` of a Service, `Ingress namespace/name` of an Ingress. */
export function objectKey({ kind, namespace, name }: Pick<OwnerRecord, 'kind' | 'namespace' | 'name'>): string {
  return kind === 'Ingress' ? ingressKey(`${namespace}/${name}`) : `${namespace}/${name}`;
}

/** @param name `namespace/name` */
export function ingressKey(name: string): string {
  return `${INGRESS_PREFIX}${name}`;
}

/** @returns `namespace/name` of the Ingress; undefined for the key of a Service */
export function ingressOf(key: string): string | undefined {
  return key.startsWith(INGRESS_PREFIX) ? key.slice(INGRESS_PREFIX.length) : undefined;
}
