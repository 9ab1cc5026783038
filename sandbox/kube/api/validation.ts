import { type FieldError, invalid } from './api-error.ts';
import { ingressErrors } from './ingress-validation.ts';
import {
  type ApiObject,
  equalJson,
  type Json,
  type JsonObject,
  numberOf,
  objectOf,
  objectsOf,
  stringOf,
} from './json.ts';
import {
  DEPLOYMENT,
  ENDPOINT_SLICE,
  INGRESS,
  type Kind,
  LEASE,
  MUTATING_WEBHOOK_CONFIGURATION,
  POD,
  REPLICA_SET,
  SERVICE,
} from './kinds.ts';
import { matchesLabelSelector } from './selectors.ts';

const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

type Validation = (object: ApiObject) => FieldError[];

const BY_KIND: ReadonlyMap<Kind, Validation> = new Map<Kind, Validation>([
  [POD, object => podSpecErrors(objectOf(object.spec), 'spec')],
  [SERVICE, serviceErrors],
  [DEPLOYMENT, workloadErrors],
  [REPLICA_SET, workloadErrors],
  [ENDPOINT_SLICE, object => (object.addressType ? [] : [required('addressType')])],
  [MUTATING_WEBHOOK_CONFIGURATION, webhookErrors],
  [INGRESS, ingressErrors],
  [LEASE, leaseErrors],
]);

/**
 * The rules that people and programs run into. It is a small part of the real server's validation; what is not checked
 * is stored as it came.
 * @throws ApiError 422 naming every field found wrong.
 */
export function validate(kind: Kind, object: ApiObject): void {
  const errors = [...metadataErrors(object), ...(BY_KIND.get(kind)?.(object) ?? [])];
  if (errors.length > 0) throw invalid(kind, object.metadata.name, errors);
}

/**
 * What is not the client's to say in a status, as far as anybody runs into it.
 * @throws ApiError 422
 */
export function validateStatus(kind: Kind, object: ApiObject): void {
  if (kind !== SERVICE || objectOf(object.spec).type === 'LoadBalancer') return;
  const { ingress } = objectOf(objectOf(object.status).loadBalancer);
  if (objectsOf(ingress).length === 0) return;
  const detail = "may only be used when `spec.type` is 'LoadBalancer'";
  throw invalid(kind, object.metadata.name, [{ field: 'status.loadBalancer.ingress', problem: 'Forbidden', detail }]);
}

function leaseErrors(object: ApiObject): FieldError[] {
  const { leaseDurationSeconds } = objectOf(object.spec);
  const isPositive = leaseDurationSeconds === undefined || (numberOf(leaseDurationSeconds) ?? 0) > 0;
  return isPositive ? [] : [bad('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0')];
}

function required(field: string, detail?: string): FieldError {
  return { field, problem: 'Required value', ...(detail && { detail }) };
}

function bad(field: string, value: Json | undefined, detail: string): FieldError {
  return { field, problem: `Invalid value: ${JSON.stringify(value ?? null)}`, detail };
}

function metadataErrors(object: ApiObject): FieldError[] {
  const { name, labels } = object.metadata;
  const errors: FieldError[] = [];
  if (name.length > 253 || !DNS_SUBDOMAIN.test(name)) errors.push(bad('metadata.name', name, SUBDOMAIN_RULE));
  for (const value of Object.values(labels ?? {})) {
    if (value.length > 63 || !LABEL_VALUE.test(value)) {
      errors.push(
        bad(
          'metadata.labels',
          value,
          "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ),
      );
    }
  }
  return errors;
}

function podSpecErrors(spec: JsonObject, path: string): FieldError[] {
  const containers = objectsOf(spec.containers);
  if (containers.length === 0) return [required(`${path}.containers`)];
  const grace = numberOf(spec.terminationGracePeriodSeconds);
  return [
    ...containers.flatMap((container, index) => containerErrors(container, `${path}.containers[${index}]`)),
    ...duplicates(containers.map(container => stringOf(container.name))).map(({ index, value }) => ({
      field: `${path}.containers[${index}].name`,
      problem: `Duplicate value: "${value}"`,
    })),
    ...(grace !== undefined && grace < 0
      ? [bad(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than or equal to 0')]
      : []),
  ];
}

function containerErrors(container: JsonObject, path: string): FieldError[] {
  const name = stringOf(container.name);
  return [
    ...(name ? [] : [required(`${path}.name`)]),
    ...(name && !DNS_LABEL.test(name)
      ? [
          bad(
            `${path}.name`,
            name,
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'",
          ),
        ]
      : []),
    ...(container.image ? [] : [required(`${path}.image`)]),
    ...objectsOf(container.ports).flatMap((port, index) =>
      portErrors(port.containerPort, `${path}.ports[${index}].containerPort`),
    ),
  ];
}

function duplicates(values: readonly string[]): { index: number; value: string }[] {
  return values
    .map((value, index) => ({ index, value }))
    .filter(({ index, value }) => value !== '' && values.indexOf(value) !== index);
}

function portErrors(value: Json | undefined, field: string): FieldError[] {
  if (value === undefined) return [required(field)];
  const isPort = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
  return isPort ? [] : [bad(field, value, 'must be between 1 and 65535, inclusive')];
}

function serviceErrors(object: ApiObject): FieldError[] {
  const spec = objectOf(object.spec);
  const ports = objectsOf(spec.ports);
  const needsPorts = spec.type !== 'ExternalName' && spec.clusterIP !== 'None';
  const types = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'];
  return [
    ...(types.includes(stringOf(spec.type))
      ? []
      : [
          {
            field: 'spec.type',
            problem: `Unsupported value: ${JSON.stringify(spec.type)}`,
            detail: `supported values: ${types.map(type => `"${type}"`).join(', ')}`,
          },
        ]),
    ...(needsPorts && ports.length === 0 ? [required('spec.ports')] : []),
    ...ports.flatMap((port, index) => servicePortErrors(port, `spec.ports[${index}]`, ports.length > 1)),
    ...duplicates(ports.map(port => `${String(port.port)}/${String(port.protocol)}`)).map(({ index }) => ({
      field: `spec.ports[${index}]`,
      problem: `Duplicate value: ${JSON.stringify({ protocol: ports[index]?.protocol, port: ports[index]?.port })}`,
    })),
    ...(spec.loadBalancerClass !== undefined && spec.type !== 'LoadBalancer'
      ? [
          {
            field: 'spec.loadBalancerClass',
            problem: 'Forbidden',
            detail: "may only be used when `type` is 'LoadBalancer'",
          },
        ]
      : []),
  ];
}

function servicePortErrors(port: JsonObject, path: string, needsName: boolean): FieldError[] {
  const target = port.targetPort;
  return [
    ...(needsName && !port.name ? [required(`${path}.name`)] : []),
    ...portErrors(port.port, `${path}.port`),
    ...(typeof target === 'number' ? portErrors(target, `${path}.targetPort`) : []),
  ];
}

function workloadErrors(object: ApiObject): FieldError[] {
  const spec = objectOf(object.spec);
  const template = objectOf(spec.template);
  const labels = objectOf(objectOf(template.metadata).labels);
  const replicas = numberOf(spec.replicas);
  return [
    ...(replicas === undefined || replicas < 0
      ? [bad('spec.replicas', spec.replicas, 'must be greater than or equal to 0')]
      : []),
    ...(spec.selector === undefined ? [required('spec.selector')] : []),
    ...(spec.selector !== undefined && !matchesLabelSelector(objectOf(spec.selector), labels)
      ? [bad('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
      : []),
    ...podSpecErrors(objectOf(template.spec), 'spec.template.spec'),
  ];
}

function webhookErrors(object: ApiObject): FieldError[] {
  return objectsOf(object.webhooks).flatMap((webhook, index) => {
    const path = `webhooks[${index}]`;
    const timeout = numberOf(webhook.timeoutSeconds) ?? 0;
    const client = objectOf(webhook.clientConfig);
    return [
      ...(webhook.name ? [] : [required(`${path}.name`)]),
      ...(webhook.sideEffects ? [] : [required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun')]),
      ...(webhook.admissionReviewVersions
        ? []
        : [required(`${path}.admissionReviewVersions`, 'must specify one of v1, v1beta1')]),
      ...(Boolean(client.url) === Boolean(client.service)
        ? [required(`${path}.clientConfig`, 'exactly one of url or service is required')]
        : []),
      ...(timeout < 1 || timeout > 30
        ? [bad(`${path}.timeoutSeconds`, timeout, 'the timeout value must be between 1 and 30 seconds')]
        : []),
    ];
  });
}

/** Fields of a Pod's spec that an update may touch; everything else is fixed at creation. */
function fixedPodSpec(spec: JsonObject): JsonObject {
  const withoutImages = (containers: Json | undefined) =>
    objectsOf(containers).map(container => ({ ...container, image: '' }));
  return {
    ...spec,
    containers: withoutImages(spec.containers),
    initContainers: withoutImages(spec.initContainers),
    activeDeadlineSeconds: null,
    tolerations: null,
    schedulingGates: null,
  };
}

/** @throws ApiError 422 when an update changes what may not change. */
export function validateUpdate(kind: Kind, current: ApiObject, next: ApiObject): void {
  const [before, after] = [objectOf(current.spec), objectOf(next.spec)];
  const errors: FieldError[] = [];
  const fixed = (field: string, detail = 'field is immutable') => {
    if (!equalJson(before[field], after[field])) errors.push(bad(`spec.${field}`, after[field], detail));
  };
  if (kind === POD && !equalJson(fixedPodSpec(before), fixedPodSpec(after))) {
    errors.push({
      field: 'spec',
      problem: 'Forbidden',
      detail:
        'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    });
  }
  if (kind === DEPLOYMENT || kind === REPLICA_SET) fixed('selector');
  if (kind === SERVICE && before.type !== 'ExternalName' && after.type !== 'ExternalName') {
    fixed('clusterIP', 'may not change once set');
    if (before.type === 'LoadBalancer' && after.type === 'LoadBalancer') {
      fixed('loadBalancerClass', 'may not change once set');
    }
  }
  if (errors.length > 0) throw invalid(kind, next.metadata.name, errors);
}
