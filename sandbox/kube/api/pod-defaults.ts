import { type JsonObject, objectOf, objectsOf, stringOf } from './json.ts';

/** What the real server fills into a PodSpec, of a Pod or of a template (k8s.io/kubernetes pkg/apis/core/v1/defaults.go). */
export function defaultedPodSpec(spec: JsonObject): JsonObject {
  const hostNetwork = spec.hostNetwork === true;
  return {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
    securityContext: {},
    ...spec,
    containers: objectsOf(spec.containers).map(container => defaultedContainer(container, hostNetwork)),
    ...(spec.initContainers !== undefined && {
      initContainers: objectsOf(spec.initContainers).map(container => defaultedContainer(container, hostNetwork)),
    }),
    ...(spec.volumes !== undefined && { volumes: objectsOf(spec.volumes).map(defaultedVolume) }),
  };
}

function defaultedContainer(container: JsonObject, hostNetwork: boolean): JsonObject {
  const result: JsonObject = {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicyOf(stringOf(container.image)),
    ...container,
    resources: defaultedResources(objectOf(container.resources)),
  };
  if (container.ports !== undefined) {
    result.ports = objectsOf(container.ports).map(port => ({
      ...(hostNetwork && port.containerPort !== undefined && { hostPort: port.containerPort }),
      ...port,
      protocol: port.protocol ?? 'TCP',
    }));
  }
  if (container.env !== undefined) result.env = objectsOf(container.env).map(defaultedVariable);
  for (const probe of ['readinessProbe', 'livenessProbe', 'startupProbe']) {
    if (container[probe] !== undefined) result[probe] = defaultedProbe(objectOf(container[probe]));
  }
  if (container.lifecycle !== undefined) {
    const handlers = Object.entries(objectOf(container.lifecycle));
    result.lifecycle = Object.fromEntries(handlers.map(([name, hook]) => [name, defaultedAction(objectOf(hook))]));
  }
  return result;
}

function pullPolicyOf(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  if (name.includes('@')) return 'IfNotPresent';
  const tag = name.split(':')[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultedResources(resources: JsonObject): JsonObject {
  if (resources.limits === undefined) return resources;
  return { ...resources, requests: { ...objectOf(resources.limits), ...objectOf(resources.requests) } };
}

function defaultedVariable(variable: JsonObject): JsonObject {
  const source = objectOf(variable.valueFrom);
  if (source.fieldRef === undefined) return variable;
  return { ...variable, valueFrom: { ...source, fieldRef: { apiVersion: 'v1', ...objectOf(source.fieldRef) } } };
}

function defaultedProbe(probe: JsonObject): JsonObject {
  return defaultedAction({ timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3, ...probe });
}

function defaultedAction(handler: JsonObject): JsonObject {
  if (handler.httpGet === undefined) return handler;
  return { ...handler, httpGet: { path: '/', scheme: 'HTTP', ...objectOf(handler.httpGet) } };
}

function defaultedVolume(volume: JsonObject): JsonObject {
  const result: JsonObject = { ...volume };
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI']) {
    if (volume[source] !== undefined) result[source] = { defaultMode: 420, ...objectOf(volume[source]) };
  }
  const projected = objectOf(result.projected);
  if (projected.sources !== undefined) {
    result.projected = { ...projected, sources: objectsOf(projected.sources).map(defaultedProjection) };
  }
  return result;
}

function defaultedProjection(projection: JsonObject): JsonObject {
  if (projection.serviceAccountToken === undefined) return projection;
  const token = { expirationSeconds: 3600, ...objectOf(projection.serviceAccountToken) };
  return { ...projection, serviceAccountToken: token };
}

/** Guaranteed, Burstable or BestEffort, from cpu and memory of all containers. */
export function qosClassOf(spec: JsonObject): string {
  const containers = [...objectsOf(spec.containers), ...objectsOf(spec.initContainers)];
  const amounts = containers.flatMap(container => {
    const { requests, limits } = objectOf(container.resources);
    return ['cpu', 'memory'].map(name => ({ request: objectOf(requests)[name], limit: objectOf(limits)[name] }));
  });
  if (amounts.every(({ request, limit }) => request === undefined && limit === undefined)) return 'BestEffort';
  return amounts.every(({ request, limit }) => limit !== undefined && request === limit) ? 'Guaranteed' : 'Burstable';
}
