import type { KubeResponse } from '../../../common/kube/transport.ts';
import { KINDS } from '../../../sandbox/kube/api/kinds.ts';
import { eventually } from '../eventually.ts';
import type { Side } from '../side.ts';
import { type ComparedRequest, get } from './compared-request.ts';

/** Resources that the sandbox has; a real server has more, which is no disagreement. */
const known = new Set([...KINDS.map(({ resource }) => resource), 'tokenreviews']);
const groupNames = new Set(KINDS.map(({ group }) => group).filter(Boolean));
const groupVersions = [...new Set(KINDS.map(({ group, version }) => `${group ? `apis/${group}` : 'api'}/${version}`))];

/** What kubectl asks a server about itself. */
export const discovery: readonly ComparedRequest[] = [
  { name: 'the version', send: side => get(side, '/version') },
  { name: 'the versions of the core', send: side => get(side, '/api') },
  {
    name: 'the groups',
    send: side => eventually(side, async () => groupsOf(await get(side, '/apis')), hasEveryGroup),
  },
  ...[...groupVersions, 'apis/authentication.k8s.io/v1'].map(groupVersion => ({
    name: `the resources of /${groupVersion}`,
    async send(side: Side) {
      const answer = await eventually(
        side,
        () => get(side, `/${groupVersion}`),
        ({ status }) => status === 200,
      );
      return resourcesOf(answer);
    },
  })),
  { name: 'a group that is not there', send: side => get(side, '/apis/example.com/v1') },
  ...['v2', 'v3', 'v3/api/v1', 'v3/apis/apps/v1', 'v3/apis/networking.k8s.io/v1'].map(document => ({
    name: `the schemas of /openapi/${document}`,
    async send(side: Side) {
      const { status } = await get(side, `/openapi/${document}`);
      return { status, body: undefined };
    },
  })),
];

function groupsOf({ status, body }: KubeResponse): KubeResponse {
  const { groups, ...rest } = body as { groups: readonly { name: string }[] };
  const ours = groups
    .filter(({ name }) => groupNames.has(name))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  return { status, body: { ...rest, groups: ours } };
}

/** A real server tells of a custom group a moment after it has it. */
function hasEveryGroup({ body }: KubeResponse): boolean {
  return (body as { groups: readonly object[] }).groups.length === groupNames.size;
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
