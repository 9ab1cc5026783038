/**
 * The table of what the sandbox's API server stores. Everything generic (storage, lists, watches, patches, deletion,
 * discovery) follows from a row; what is special to a kind stands in the file named after that concern.
 */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** Has a `status` subresource: the main resource cannot change `status`, the subresource nothing else. */
  readonly status: boolean;
  readonly scale: boolean;
  /** Defined by a CustomResourceDefinition on real clusters: no strategic patch, and list items carry their kind. */
  readonly custom: boolean;
  /** `metadata.generation` starts at 1 and counts changes of the desired state. */
  readonly generation: boolean;
  /** Dotted paths that field selectors may name beside metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  /** A PUT without resourceVersion overwrites. */
  readonly unconditionalUpdate: boolean;
  /** A PUT on a name that does not exist creates it. */
  readonly createOnUpdate: boolean;
  /** DELETE answers with the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** Part of `kubectl get all`. */
  readonly inAll: boolean;
}

type KindRow = Pick<Kind, 'resource' | 'kind'> & Partial<Kind>;

function row(fields: KindRow): Kind {
  return {
    group: '',
    version: 'v1',
    shortNames: [],
    namespaced: true,
    status: false,
    scale: false,
    generation: false,
    custom: false,
    selectableFields: [],
    unconditionalUpdate: true,
    createOnUpdate: false,
    returnsDeleted: false,
    inAll: false,
    ...fields,
  };
}

export const NAMESPACE = row({
  resource: 'namespaces',
  kind: 'Namespace',
  shortNames: ['ns'],
  namespaced: false,
  status: true,
  selectableFields: ['status.phase'],
});

export const POD = row({
  resource: 'pods',
  kind: 'Pod',
  shortNames: ['po'],
  status: true,
  generation: true,
  selectableFields: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  returnsDeleted: true,
  inAll: true,
});

export const SERVICE = row({
  resource: 'services',
  kind: 'Service',
  shortNames: ['svc'],
  status: true,
  selectableFields: ['spec.clusterIP', 'spec.type'],
  createOnUpdate: true,
  returnsDeleted: true,
  inAll: true,
});

export const NODE = row({
  resource: 'nodes',
  kind: 'Node',
  shortNames: ['no'],
  namespaced: false,
  status: true,
  selectableFields: ['spec.unschedulable'],
});

export const EVENT = row({
  resource: 'events',
  kind: 'Event',
  shortNames: ['ev'],
  selectableFields: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'type',
  ],
  createOnUpdate: true,
});

const CONFIG_MAP = row({ resource: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] });

export const SECRET = row({ resource: 'secrets', kind: 'Secret', selectableFields: ['type'] });

export const SERVICE_ACCOUNT = row({
  resource: 'serviceaccounts',
  kind: 'ServiceAccount',
  shortNames: ['sa'],
  returnsDeleted: true,
});

export const DEPLOYMENT = row({
  group: 'apps',
  resource: 'deployments',
  kind: 'Deployment',
  shortNames: ['deploy'],
  status: true,
  scale: true,
  generation: true,
  inAll: true,
});

export const REPLICA_SET = row({
  group: 'apps',
  resource: 'replicasets',
  kind: 'ReplicaSet',
  shortNames: ['rs'],
  status: true,
  scale: true,
  generation: true,
  selectableFields: ['status.replicas'],
  inAll: true,
});

export const LEASE = row({
  group: 'coordination.k8s.io',
  resource: 'leases',
  kind: 'Lease',
  unconditionalUpdate: false,
  createOnUpdate: true,
});

export const ENDPOINT_SLICE = row({
  group: 'discovery.k8s.io',
  resource: 'endpointslices',
  kind: 'EndpointSlice',
  generation: true,
});

export const MUTATING_WEBHOOK_CONFIGURATION = row({
  group: 'admissionregistration.k8s.io',
  resource: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
  namespaced: false,
  generation: true,
  unconditionalUpdate: false,
});

export const POD_DISRUPTION_BUDGET = row({
  group: 'policy',
  resource: 'poddisruptionbudgets',
  kind: 'PodDisruptionBudget',
  shortNames: ['pdb'],
  status: true,
  generation: true,
  unconditionalUpdate: false,
});

export const INGRESS = row({
  group: 'networking.k8s.io',
  resource: 'ingresses',
  kind: 'Ingress',
  shortNames: ['ing'],
  status: true,
  generation: true,
});

export const INGRESS_CLASS = row({
  group: 'networking.k8s.io',
  resource: 'ingressclasses',
  kind: 'IngressClass',
  namespaced: false,
  generation: true,
});

/** A custom resource on real clusters; built in here. */
const TKE_SERVICE_CONFIG = row({
  group: 'cloud.tencent.com',
  version: 'v1alpha1',
  resource: 'tkeserviceconfigs',
  kind: 'TkeServiceConfig',
  custom: true,
  shortNames: ['tsc'],
  generation: true,
  unconditionalUpdate: false,
});

export const KINDS: readonly Kind[] = [
  NAMESPACE,
  POD,
  SERVICE,
  NODE,
  EVENT,
  CONFIG_MAP,
  SECRET,
  SERVICE_ACCOUNT,
  DEPLOYMENT,
  REPLICA_SET,
  LEASE,
  ENDPOINT_SLICE,
  MUTATING_WEBHOOK_CONFIGURATION,
  POD_DISRUPTION_BUDGET,
  INGRESS,
  INGRESS_CLASS,
  TKE_SERVICE_CONFIG,
];

export function apiVersionOf(kind: Pick<Kind, 'group' | 'version'>): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version;
}

/** Where an object of this kind lives, as a client writes it. */
export function pathOf(kind: Kind, namespace: string | undefined, name?: string): string {
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`;
  const scope = namespace ? `/namespaces/${namespace}` : '';
  return `${root}${scope}/${kind.resource}${name ? `/${name}` : ''}`;
}
