import {
  DEPLOYMENT,
  type Kind,
  MUTATING_WEBHOOK_CONFIGURATION,
  NODE,
  POD,
  POD_DISRUPTION_BUDGET,
  REPLICA_SET,
  SERVICE,
  SERVICE_ACCOUNT,
} from './kinds.ts';

/**
 * How strategic merge patches treat lists: the patchMergeKey and patchStrategy tags of Kubernetes' Go types
 * (k8s.io/api v0.34), for the fields of our kinds. A list that is not named here is replaced.
 */
export interface PatchSchema {
  readonly fields?: Readonly<Record<string, PatchSchema>>;
  /** Lists of objects are merged by this field. */
  readonly mergeKey?: string;
  /** Lists of plain values are united. */
  readonly union?: boolean;
}

function mergedBy(mergeKey: string, fields: Readonly<Record<string, PatchSchema>> = {}): PatchSchema {
  return { mergeKey, fields };
}

const UNION: PatchSchema = { union: true };
const CONDITIONS = { conditions: mergedBy('type') };
const METADATA: PatchSchema = { fields: { finalizers: UNION, ownerReferences: mergedBy('uid') } };

const CONTAINERS = mergedBy('name', {
  ports: mergedBy('containerPort'),
  env: mergedBy('name'),
  volumeMounts: mergedBy('mountPath'),
  volumeDevices: mergedBy('devicePath'),
});

const POD_SPEC: PatchSchema = {
  fields: {
    containers: CONTAINERS,
    initContainers: CONTAINERS,
    ephemeralContainers: CONTAINERS,
    volumes: mergedBy('name'),
    imagePullSecrets: mergedBy('name'),
    hostAliases: mergedBy('ip'),
    topologySpreadConstraints: mergedBy('topologyKey'),
    schedulingGates: mergedBy('name'),
  },
};

const WORKLOAD: Readonly<Record<string, PatchSchema>> = {
  spec: { fields: { template: { fields: { metadata: METADATA, spec: POD_SPEC } } } },
  status: { fields: CONDITIONS },
};

const BY_KIND: ReadonlyMap<Kind, Readonly<Record<string, PatchSchema>>> = new Map<
  Kind,
  Readonly<Record<string, PatchSchema>>
>([
  [POD, { spec: POD_SPEC, status: { fields: { ...CONDITIONS, podIPs: mergedBy('ip'), hostIPs: mergedBy('ip') } } }],
  [SERVICE, { spec: { fields: { ports: mergedBy('port') } }, status: { fields: CONDITIONS } }],
  [NODE, { spec: { fields: { podCIDRs: UNION } }, status: { fields: { ...CONDITIONS, addresses: mergedBy('type') } } }],
  [DEPLOYMENT, WORKLOAD],
  [REPLICA_SET, WORKLOAD],
  [SERVICE_ACCOUNT, { secrets: mergedBy('name'), imagePullSecrets: mergedBy('name') }],
  [MUTATING_WEBHOOK_CONFIGURATION, { webhooks: mergedBy('name') }],
  [POD_DISRUPTION_BUDGET, { status: { fields: CONDITIONS } }],
]);

export function patchSchemaOf(kind: Kind): PatchSchema {
  return { fields: { metadata: METADATA, ...BY_KIND.get(kind) } };
}
