import type { JsonObject } from './json.ts';
import { apiVersionOf, KINDS, type Kind, POD, SERVICE_ACCOUNT } from './kinds.ts';
import { openApiDocument, openApiIndex } from './openapi.ts';

/** The version the sandbox says it is: the one whose manners it copies. */
const VERSION = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.4-sandbox',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'linux/amd64',
};

const MAIN_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const UPDATE_VERBS = ['get', 'patch', 'update'];
/** Served, but not stored. */
const TOKEN_REVIEWS = { group: 'authentication.k8s.io', version: 'v1' };

/** What the server says about itself; undefined for a path that does not exist. */
export function discoveryDocument(segments: readonly string[]): JsonObject | undefined {
  const [root, first, second, ...rest] = segments;
  if (rest.length > 2) return undefined;
  switch (root) {
    case 'version':
      return first === undefined ? { ...VERSION } : undefined;
    case 'healthz':
    case 'livez':
    case 'readyz':
      return { status: 'ok' };
    case 'api':
      if (first === undefined) return coreVersions();
      return first === 'v1' && second === undefined ? resourceList('', 'v1') : undefined;
    case 'apis':
      return groupDocument(first, second);
    case 'openapi':
      return openApiPath(segments.slice(1));
    default:
      return undefined;
  }
}

function openApiPath(segments: readonly string[]): JsonObject | undefined {
  const [version, root, ...groupVersion] = segments;
  if (version !== 'v3') return undefined;
  if (root === undefined) return openApiIndex(groupVersions());
  const [group = '', name = ''] = root === 'api' ? ['', ...groupVersion] : groupVersion;
  const found = groupVersions().find(candidate => candidate.group === group && candidate.version === name);
  return found && openApiDocument(found);
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

function groupVersions(): GroupVersion[] {
  const seen = new Map<string, GroupVersion>();
  for (const { group, version } of [...KINDS, TOKEN_REVIEWS]) seen.set(`${group}/${version}`, { group, version });
  return [...seen.values()];
}

function coreVersions(): JsonObject {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

function groupDocument(name: string | undefined, version: string | undefined): JsonObject | undefined {
  const groups = groupVersions().filter(({ group }) => group !== '');
  if (name === undefined) return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) };
  const found = groups.find(({ group }) => group === name);
  if (!found) return undefined;
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(found) };
  return version === found.version ? resourceList(found.group, found.version) : undefined;
}

function apiGroup({ group, version }: GroupVersion): JsonObject {
  const groupVersion = { groupVersion: `${group}/${version}`, version };
  return { name: group, versions: [groupVersion], preferredVersion: groupVersion };
}

function resourceList(group: string, version: string): JsonObject {
  const kinds = KINDS.filter(kind => kind.group === group && kind.version === version);
  const resources = kinds.flatMap(kind => [mainResource(kind), ...subresourcesOf(kind)]);
  if (group === TOKEN_REVIEWS.group) {
    resources.push({
      name: 'tokenreviews',
      singularName: 'tokenreview',
      namespaced: false,
      kind: 'TokenReview',
      verbs: ['create'],
    });
  }
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf({ group, version }), resources };
}

function mainResource(kind: Kind): JsonObject {
  return {
    name: kind.resource,
    singularName: kind.kind.toLowerCase(),
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: [...MAIN_VERBS],
    ...(kind.shortNames.length > 0 && { shortNames: [...kind.shortNames] }),
    ...(kind.inAll && { categories: ['all'] }),
  };
}

function subresourcesOf(kind: Kind): JsonObject[] {
  const sub = (name: string, verbs: readonly string[], type: JsonObject): JsonObject => ({
    name: `${kind.resource}/${name}`,
    singularName: '',
    namespaced: kind.namespaced,
    verbs: [...verbs],
    ...type,
  });
  const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
  return [
    ...(kind.status ? [sub('status', UPDATE_VERBS, { kind: kind.kind })] : []),
    ...(kind.scale ? [sub('scale', UPDATE_VERBS, scale)] : []),
    ...(kind === POD
      ? [
          sub('binding', ['create'], { kind: 'Binding' }),
          sub('eviction', ['create'], { group: 'policy', version: 'v1', kind: 'Eviction' }),
        ]
      : []),
    ...(kind === SERVICE_ACCOUNT
      ? [sub('token', ['create'], { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' })]
      : []),
  ];
}
