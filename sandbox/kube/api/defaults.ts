import { type ApiObject, type JsonObject, objectOf, objectsOf, stringOf, withFields } from './json.ts';
import {
  DEPLOYMENT,
  ENDPOINT_SLICE,
  EVENT,
  INGRESS,
  type Kind,
  MUTATING_WEBHOOK_CONFIGURATION,
  NAMESPACE,
  POD,
  REPLICA_SET,
  SECRET,
  SERVICE,
} from './kinds.ts';
import { defaultedPodSpec, qosClassOf } from './pod-defaults.ts';

type Defaulting = (object: ApiObject) => ApiObject;

const BY_KIND: ReadonlyMap<Kind, Defaulting> = new Map<Kind, Defaulting>([
  [POD, object => withFields(object, { spec: defaultedPodSpec(objectOf(object.spec)) })],
  [SERVICE, object => withFields(object, { spec: defaultedServiceSpec(objectOf(object.spec)) })],
  [DEPLOYMENT, object => withFields(object, { spec: defaultedDeploymentSpec(objectOf(object.spec)) })],
  [REPLICA_SET, object => withFields(object, { spec: defaultedWorkloadSpec(objectOf(object.spec)) })],
  [NAMESPACE, defaultedNamespace],
  [SECRET, defaultedSecret],
  [ENDPOINT_SLICE, defaultedEndpointSlice],
  [EVENT, defaultedEvent],
  [MUTATING_WEBHOOK_CONFIGURATION, defaultedWebhookConfiguration],
]);

/** What decoding fills in before admission sees the object; applying it again changes nothing. */
export function defaulted(kind: Kind, object: ApiObject): ApiObject {
  return BY_KIND.get(kind)?.(object) ?? object;
}

/** The status a new object starts with, whatever the client sent; undefined where the client's status is kept. */
export function initialStatus(kind: Kind, object: ApiObject): JsonObject | undefined {
  switch (kind) {
    case POD:
      return { phase: 'Pending', qosClass: qosClassOf(objectOf(object.spec)) };
    case NAMESPACE:
      return { phase: 'Active' };
    case SERVICE:
    case INGRESS:
      return { loadBalancer: {} };
    case REPLICA_SET:
      return { replicas: 0 };
    case DEPLOYMENT:
      return {};
    default:
      return undefined;
  }
}

function defaultedServiceSpec(spec: JsonObject): JsonObject {
  const type = stringOf(spec.type) || 'ClusterIP';
  return {
    sessionAffinity: 'None',
    type,
    ...(type !== 'ExternalName' && { internalTrafficPolicy: 'Cluster' }),
    ...((type === 'NodePort' || type === 'LoadBalancer') && { externalTrafficPolicy: 'Cluster' }),
    ...(type === 'LoadBalancer' && { allocateLoadBalancerNodePorts: true }),
    ...spec,
    ...(spec.ports !== undefined && {
      ports: objectsOf(spec.ports).map(port => ({
        ...port,
        protocol: port.protocol ?? 'TCP',
        ...(port.port !== undefined && { targetPort: port.targetPort ?? port.port }),
      })),
    }),
  };
}

function defaultedWorkloadSpec(spec: JsonObject): JsonObject {
  const template = objectOf(spec.template);
  return {
    replicas: 1,
    ...spec,
    ...(spec.template !== undefined && {
      template: {
        ...template,
        metadata: objectOf(template.metadata),
        spec: defaultedPodSpec(objectOf(template.spec)),
      },
    }),
  };
}

function defaultedDeploymentSpec(spec: JsonObject): JsonObject {
  const strategy: JsonObject = { type: 'RollingUpdate', ...objectOf(spec.strategy) };
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...objectOf(strategy.rollingUpdate) };
  }
  return { revisionHistoryLimit: 10, progressDeadlineSeconds: 600, ...defaultedWorkloadSpec(spec), strategy };
}

function defaultedNamespace(object: ApiObject): ApiObject {
  const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
  return withFields(object, {
    metadata: withFields(object.metadata, { labels }),
    spec: { finalizers: ['kubernetes'], ...objectOf(object.spec) },
  });
}

function defaultedSecret(object: ApiObject): ApiObject {
  const plain = Object.entries(objectOf(object.stringData));
  const encoded = plain.map(([key, value]) => [key, Buffer.from(stringOf(value)).toString('base64')]);
  const data = { ...objectOf(object.data), ...Object.fromEntries(encoded) };
  return withFields(object, {
    type: stringOf(object.type) || 'Opaque',
    stringData: undefined,
    ...((object.data !== undefined || plain.length > 0) && { data }),
  });
}

function defaultedEndpointSlice(object: ApiObject): ApiObject {
  const ports = objectsOf(object.ports).map(port => ({ name: '', protocol: 'TCP', ...port }));
  const endpoints = objectsOf(object.endpoints).map(endpoint => ({ conditions: {}, ...endpoint }));
  return withFields(object, { endpoints, ports });
}

function defaultedEvent(object: ApiObject): ApiObject {
  return withFields(object, {
    eventTime: object.eventTime ?? null,
    reportingComponent: object.reportingComponent ?? '',
    reportingInstance: object.reportingInstance ?? '',
  });
}

function defaultedWebhookConfiguration(object: ApiObject): ApiObject {
  if (object.webhooks === undefined) return object;
  return withFields(object, { webhooks: objectsOf(object.webhooks).map(defaultedWebhook) });
}

function defaultedWebhook(webhook: JsonObject): JsonObject {
  const client = objectOf(webhook.clientConfig);
  const service = client.service && { service: { port: 443, ...objectOf(client.service) } };
  return {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    reinvocationPolicy: 'Never',
    timeoutSeconds: 10,
    ...webhook,
    clientConfig: { ...client, ...service },
    rules: objectsOf(webhook.rules).map(rule => ({ scope: '*', ...rule })),
  };
}
