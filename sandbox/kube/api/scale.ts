import { badRequest } from './api-error.ts';
import { type ApiObject, type JsonObject, numberOf, objectOf, objectsOf, withFields } from './json.ts';

/** The `autoscaling/v1` Scale of a Deployment or ReplicaSet. */
export function scaleOf(object: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const [spec, status] = [objectOf(object.spec), objectOf(object.status)];
  const replicas = numberOf(spec.replicas) ?? 0;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(creationTimestamp && { creationTimestamp }),
    },
    // The real server leaves a zero out here, but not in the status.
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: numberOf(status.replicas) ?? 0, selector: selectorText(objectOf(spec.selector)) },
  };
}

/** `object` with the replicas that `scale` asks for; its resourceVersion is carried over, so that conflicts show. */
export function withScale(object: ApiObject, scale: JsonObject): ApiObject {
  const replicas = objectOf(scale.spec).replicas ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) throw badRequest('spec.replicas must be a number');
  const { resourceVersion, uid } = objectOf(scale.metadata);
  return withFields(object, {
    spec: { ...objectOf(object.spec), replicas },
    metadata: withFields(object.metadata, { resourceVersion, ...(uid && { uid }) }),
  });
}

function selectorText(selector: JsonObject): string {
  const pairs = Object.entries(objectOf(selector.matchLabels)).map(([key, value]) => `${key}=${String(value)}`);
  const expressions = objectsOf(selector.matchExpressions).map(({ key, operator, values }) => {
    if (operator === 'Exists') return String(key);
    if (operator === 'DoesNotExist') return `!${String(key)}`;
    return `${String(key)} ${String(operator).toLowerCase()} (${String(values)})`;
  });
  return [...pairs, ...expressions].join(',');
}
