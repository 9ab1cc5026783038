import assert from 'node:assert/strict';

export interface ResourceName {
  /** Empty or left out for the core group. */
  readonly group?: string;
  readonly version: string;
  /** Plural, in lower case: `pods`. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/**
 * The URL path of an object, or of a collection when `name` is left out. Every segment is escaped, so a name that came
 * from outside cannot reach another resource.
 */
export function resourcePath(what: ResourceName): string {
  const root = what.group ? ['apis', what.group] : ['api'];
  const segments = [...root, what.version];
  if (what.namespace !== undefined) segments.push('namespaces', what.namespace);
  segments.push(what.resource);
  if (what.name !== undefined) segments.push(what.name);
  if (what.subresource !== undefined) segments.push(what.subresource);
  return `/${segments.map(escapeSegment).join('/')}`;
}

/** A Pod, or its subresource. */
export function podPath(namespace: string, name: string, subresource?: 'status'): string {
  return resourcePath({ version: 'v1', resource: 'pods', namespace, name, ...(subresource && { subresource }) });
}

/** A Service, or its subresource. */
export function servicePath(namespace: string, name: string, subresource?: 'status'): string {
  return resourcePath({ version: 'v1', resource: 'services', namespace, name, ...(subresource && { subresource }) });
}

/** An Ingress, or its subresource. */
export function ingressPath(namespace: string, name: string, subresource?: 'status'): string {
  const kind = { group: 'networking.k8s.io', version: 'v1', resource: 'ingresses' };
  return resourcePath({ ...kind, namespace, name, ...(subresource && { subresource }) });
}

/** A Secret. */
export function secretPath(namespace: string, name: string): string {
  return resourcePath({ version: 'v1', resource: 'secrets', namespace, name });
}

function escapeSegment(segment: string): string {
  assert(segment !== '' && segment !== '.' && segment !== '..', `'${segment}' cannot be part of an API path`);
  return encodeURIComponent(segment);
}
