import type { JsonObject } from './json.ts';
import { KINDS, type Kind, pathOf } from './kinds.ts';

/**
 * The least of OpenAPI v3 that `kubectl apply` insists on: for each kind one PATCH path that says which kind it is and
 * that it knows `fieldValidation`. There are no schemas: `kubectl explain` has nothing to show.
 */
export function openApiIndex(groupVersions: readonly { group: string; version: string }[]): JsonObject {
  const paths = groupVersions.map(({ group, version }) => {
    const path = group ? `apis/${group}/${version}` : `api/${version}`;
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=sandbox` }];
  });
  return { paths: Object.fromEntries(paths) };
}

export function openApiDocument({ group, version }: { group: string; version: string }): JsonObject {
  const kinds = KINDS.filter(kind => kind.group === group && kind.version === version);
  const paths = kinds.map(kind => [
    pathOf(kind, kind.namespaced ? '{namespace}' : undefined, '{name}'),
    pathItem(kind),
  ]);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes (sandbox)', version: 'v1.34.4-sandbox' },
    paths: Object.fromEntries(paths),
    components: { schemas: {} },
  };
}

function pathItem(kind: Kind): JsonObject {
  const types = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
  ];
  const content = types.map(type => [type, { schema: { type: 'object' } }]);
  return {
    patch: {
      parameters: [{ name: 'fieldValidation', in: 'query', schema: { type: 'string', uniqueItems: true } }],
      requestBody: { content: Object.fromEntries(content) },
      responses: { '200': { description: 'OK' } },
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group: kind.group, version: kind.version, kind: kind.kind },
    },
  };
}
