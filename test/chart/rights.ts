import type { KubeRequest } from '../../common/kube/transport.ts';
import type { Rendered } from './helm.ts';

/** What a request asks RBAC for. */
export interface Deed {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/status`. */
  readonly resource: string;
  /** Empty: of the whole cluster. */
  readonly namespace: string;
  /** Empty for collections, and for what is being created, whose name RBAC does not know. */
  readonly name: string;
}

/** One line of a Role or ClusterRole. */
interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** One verb on one resource that a role grants. */
export interface Right {
  /** For messages. */
  readonly text: string;
  allows(deed: Deed): boolean;
}

const PATH =
  /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

const VERBS = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const;

/** @throws Error for a path that names no resource */
export function deedOf({ method, path, query }: KubeRequest, isWatch: boolean): Deed {
  const match = PATH.exec(path);
  if (!match) throw new Error(`${path} names no resource`);
  const [, group = '', namespace = '', resource = '', name = '', subresource] = match;
  const isCollection = method === 'GET' && name === '';
  const verb = isWatch ? 'watch' : isCollection ? 'list' : VERBS[method];
  return {
    verb,
    group,
    resource: subresource ? `${resource}/${subresource}` : resource,
    namespace,
    // RBAC takes a field selector for the name.
    name: name || (/^metadata\.name=(.+)$/.exec(query?.fieldSelector ?? '')?.[1] ?? ''),
  };
}

/** The rights of a ServiceAccount by all roles that are bound to it, one for each verb and resource. */
export function rightsOf(objects: readonly Rendered[], serviceAccount: string): readonly Right[] {
  const bindings = objects.filter(({ kind, subjects }) => {
    const names = ((subjects ?? []) as { kind: string; name: string }[]).map(subject => subject.name);
    return /^(Cluster)?RoleBinding$/.test(kind) && names.includes(serviceAccount);
  });
  return bindings.flatMap(({ metadata, roleRef }) => {
    const { kind, name } = roleRef as { kind: string; name: string };
    const namespace = metadata.namespace ?? '';
    const role = objects.find(
      object =>
        object.kind === kind && object.metadata.name === name && (object.metadata.namespace ?? '') === namespace,
    );
    return ((role?.rules ?? []) as Rule[]).flatMap(rule => rights(rule, namespace));
  });
}

function rights(rule: Rule, namespace: string): Right[] {
  const { apiGroups, resources, verbs, resourceNames } = rule;
  return apiGroups.flatMap(group =>
    resources.flatMap(resource =>
      verbs.map(verb => ({
        text:
          `${verb} ${resource}${group && `.${group}`} ${(resourceNames ?? []).join()}`.trim() +
          (namespace && ` in ${namespace}`),
        allows: (deed: Deed) =>
          deed.verb === verb &&
          deed.group === group &&
          deed.resource === resource &&
          (namespace === '' || deed.namespace === namespace) &&
          (resourceNames?.includes(deed.name) ?? true),
      })),
    ),
  );
}
