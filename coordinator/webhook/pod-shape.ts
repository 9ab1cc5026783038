import type { Pod } from '../../common/kube/objects.ts';

type JsonObject = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

/** Far more than a node runs; each of them is answered with a part of its own. */
const CONTAINERS_MAX = 1_000;

/**
 * A Pod as far as injection reads it, or undefined. The API server sends well-formed Pods only, but the webhook's port is
 * open to anybody in the cluster.
 */
export function podFrom(value: unknown): Pod | undefined {
  return isPod(value) ? (value as unknown as Pod) : undefined;
}

const isString: Check = value => typeof value === 'string';
const isStringMap: Check = value => isObject(value) && Object.values(value).every(isString);
const isStringOrNumber: Check = value => typeof value === 'string' || typeof value === 'number';
const isQuantityMap: Check = value => isObject(value) && Object.values(value).every(isStringOrNumber);

const isWholeNumber: Check = value => Number.isSafeInteger(value) && Number(value) >= 0;

const isHandler = shape({
  httpGet: shape({ port: isStringOrNumber, path: isString, host: isString }),
  tcpSocket: shape({ port: isStringOrNumber }),
  exec: isObject,
  sleep: shape({ seconds: isWholeNumber }),
});

const isContainer = shape({
  ports: arrayOf(shape({ containerPort: isStringOrNumber })),
  resources: shape({ requests: isQuantityMap, limits: isQuantityMap }),
  lifecycle: shape({ preStop: isHandler }),
  readinessProbe: isHandler,
  livenessProbe: isHandler,
  startupProbe: isHandler,
});
const isNamedContainer: Check = value => isContainer(value) && isObject(value) && isString(value.name);

const isSpec = shape({
  hostNetwork: value => typeof value === 'boolean',
  initContainers: arrayOf(isNamedContainer),
  readinessGates: arrayOf(shape({ conditionType: isString })),
  terminationGracePeriodSeconds: isWholeNumber,
  nodeSelector: isStringMap,
  tolerations: arrayOf(shape({ key: isString })),
});
const isMetadata = shape({ annotations: isStringMap, labels: isStringMap });

function isPod(value: unknown): boolean {
  if (!isObject(value) || !isObject(value.metadata) || !isObject(value.spec)) return false;
  const { containers } = value.spec;
  const isBounded = Array.isArray(containers) && containers.length <= CONTAINERS_MAX;
  return isBounded && isMetadata(value.metadata) && isSpec(value.spec) && containers.every(isNamedContainer);
}

/** An object of which each named field is absent or passes its check. */
function shape(fields: Readonly<Record<string, Check>>): Check {
  return value =>
    isObject(value) && Object.entries(fields).every(([name, check]) => isAbsent(value[name]) || check(value[name]));
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function arrayOf(check: Check): Check {
  return value => Array.isArray(value) && value.every(check);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
