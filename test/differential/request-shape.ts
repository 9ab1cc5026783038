import type { KubeRequest } from '../../common/kube/transport.ts';

const PATH =
  /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;
const VERBS = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

/**
 * What kind of request this is, whoever it is about: verb, resource with subresource and group, content type, what is asked
 * for, names of parameters. `patch pods/status application/merge-patch+json`, `list nodes ?limit`.
 */
export function requestShape({ method, path, query, contentType, accept }: KubeRequest, isWatch: boolean): string {
  const [, group, , resource, name, subresource] = PATH.exec(path) ?? [];
  if (resource === undefined) return `${VERBS[method]} ${path}`;
  const isCollection = name === undefined;
  const verb = isWatch ? 'watch' : method === 'GET' && isCollection ? 'list' : VERBS[method];
  const isPlain = contentType === undefined || contentType === 'application/json';
  const parameters = Object.keys(query ?? {}).filter(parameter => parameter !== 'watch');
  return [
    method === 'DELETE' && isCollection ? 'deletecollection' : verb,
    `${resource}${subresource ? `/${subresource}` : ''}${group ? `.${group}` : ''}`,
    ...(isPlain ? [] : [contentType]),
    ...(accept?.includes('as=Table') ? ['as a Table'] : []),
    ...(parameters.length > 0 ? [`?${parameters.sort().join('&')}`] : []),
  ].join(' ');
}
