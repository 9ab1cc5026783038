import type { KubeResponse } from '../../../common/kube/transport.ts';
import { KINDS } from '../../../sandbox/kube/api/kinds.ts';
import { type ComparedRequest, get } from './compared-request.ts';

/** Resources that the sandbox has; a real server has more, which is no disagreement. */
const known = new Set([...KINDS.map(({ resource }) => resource), 'tokenreviews']);
const groupVersions = [...new Set(KINDS.map(({ group, version }) => `${group ? `apis/${group}` : 'api'}/${version}`))];

/** What kubectl asks a server about itself. */
export const discovery: readonly ComparedRequest[] = [
  { name: 'the version', send: side => get(side, '/version') },
  { name: 'the versions of the core', send: side => get(side, '/api') },
  { name: 'the groups', send: async side => groupsOf(await get(side, '/apis')) },
  ...[...groupVersions, 'apis/authentication.k8s.io/v1'].map(groupVersion => ({
    name: `the resources of /${groupVersion}`,
    send: async (side: Parameters<ComparedRequest['send']>[0]) => resourcesOf(await get(side, `/${groupVersion}`)),
  })),
  { name: 'a group that is not there', send: side => get(side, '/apis/example.com/v1') },
  ...['v2', 'v3', 'v3/api/v1', 'v3/apis/apps/v1', 'v3/apis/networking.k8s.io/v1'].map(document => ({
    name: `the schemas of /openapi/${document}`,
    send: async (side: Parameters<ComparedRequest['send']>[0]) => {
      const { status } = await get(side, `/openapi/${document}`);
      return { status, body: undefined };
    },
  })),
];

function groupsOf({ status, body }: KubeResponse): KubeResponse {
  const { groups, ...rest } = body as { groups: readonly { name: string }[] };
  const names = new Set(KINDS.map(({ group }) => group));
  const ours = groups.filter(({ name }) => names.has(name)).sort((left, right) => (left.name < right.name ? -1 : 1));
  return { status, body: { ...rest, groups: ours } };
}

interface Resource {
  readonly name: string;
}

/** By name, since their order is no promise; subresources only where the sandbox has them. */
function resourcesOf({ status, body }: KubeResponse): KubeResponse {
  const { resources, ...rest } = body as { resources: readonly Resource[] };
  const ours = resources.filter(({ name }) => known.has(name));
  return { status, body: { ...rest, resources: Object.fromEntries(ours.map(resource => [resource.name, resource])) } };
}
