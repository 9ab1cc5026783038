import { KINDS, type Kind } from './kinds.ts';

/** What a path means, before anything is looked up. */
export type Route =
  | { readonly to: 'discovery'; readonly segments: readonly string[] }
  | { readonly to: 'tokenreviews' }
  | {
      readonly to: 'collection';
      readonly kind: Kind;
      /** Undefined: cluster scope, or all namespaces. */
      readonly namespace: string | undefined;
    }
  | {
      readonly to: 'object';
      readonly kind: Kind;
      readonly namespace: string | undefined;
      readonly name: string;
      readonly subresource: string | undefined;
    }
  | { readonly to: 'nothing' };

const NOTHING: Route = { to: 'nothing' };

export function routeOf(path: string): Route {
  const segments = path.split('/').filter(Boolean).map(decode);
  const [root, first, second] = segments;
  if (root === 'api' && first === 'v1' && segments.length > 2) return resourceRoute('', 'v1', segments.slice(2));
  if (root === 'apis' && first && second && segments.length > 3) return resourceRoute(first, second, segments.slice(3));
  return { to: 'discovery', segments };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function resourceRoute(group: string, version: string, segments: readonly string[]): Route {
  if (group === 'authentication.k8s.io' && version === 'v1' && segments.join('/') === 'tokenreviews') {
    return { to: 'tokenreviews' };
  }
  const [first, namespace, resource] = segments;
  const namespacedKind = first === 'namespaces' && resource ? kindOf(group, version, resource) : undefined;
  if (namespacedKind && namespace) {
    return namespacedKind.namespaced ? routeBelow(namespacedKind, namespace, segments.slice(3)) : NOTHING;
  }
  const kind = first ? kindOf(group, version, first) : undefined;
  if (!kind || (kind.namespaced && segments.length > 1)) return NOTHING;
  return routeBelow(kind, undefined, segments.slice(1));
}

function routeBelow(kind: Kind, namespace: string | undefined, rest: readonly string[]): Route {
  const [name, subresource] = rest;
  if (rest.length > 2) return NOTHING;
  if (name === undefined) return { to: 'collection', kind, namespace };
  return { to: 'object', kind, namespace, name, subresource };
}

function kindOf(group: string, version: string, resource: string): Kind | undefined {
  return KINDS.find(kind => kind.group === group && kind.version === version && kind.resource === resource);
}
