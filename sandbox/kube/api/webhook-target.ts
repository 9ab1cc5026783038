import { type Random, randomInteger } from '../../../common/random.ts';
import { arrayOf, type JsonObject, numberOf, objectOf, objectsOf, stringOf } from './json.ts';
import { ENDPOINT_SLICE, SERVICE } from './kinds.ts';
import type { Store } from './store.ts';

/** Where an AdmissionReview is sent. */
export interface AdmissionTarget {
  /** The webhook's name in its configuration. */
  readonly webhook: string;
  /** With the address of one endpoint and the `timeout` parameter. */
  readonly url: string;
  /** The name that the certificate must carry, and the Host header: of the Service, or of the URL. */
  readonly serverName: string;
  /** PEM, base64 as in the configuration; undefined: the carrier's own roots. */
  readonly caBundle: string | undefined;
}

/** @throws Error saying what is missing, in the real server's words. */
export function admissionTargetOf(
  webhook: JsonObject,
  timeoutSeconds: number,
  options: { readonly store: Store; readonly random: Random },
): AdmissionTarget {
  const client = objectOf(webhook.clientConfig);
  const common = { webhook: stringOf(webhook.name), caBundle: stringOf(client.caBundle) || undefined };
  if (typeof client.url === 'string') {
    const url = new URL(client.url);
    url.searchParams.set('timeout', `${timeoutSeconds}s`);
    return { ...common, url: url.href, serverName: url.hostname };
  }
  const service = objectOf(client.service);
  const { address, port } = endpointOf(service, options);
  const path = stringOf(service.path) || '/';
  return {
    ...common,
    url: `https://${address}:${port}${path.startsWith('/') ? '' : '/'}${path}?timeout=${timeoutSeconds}s`,
    serverName: `${stringOf(service.name)}.${stringOf(service.namespace)}.svc`,
  };
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One ready endpoint of the Service, drawn at random as a kube-proxy would. */
function endpointOf(reference: JsonObject, options: { readonly store: Store; readonly random: Random }): Endpoint {
  const [namespace, name] = [stringOf(reference.namespace), stringOf(reference.name)];
  const service = options.store.get(SERVICE, namespace, name);
  if (!service) throw new Error(`service "${name}" not found`);
  const wanted = numberOf(reference.port) ?? 443;
  const port = objectsOf(objectOf(service.spec).ports).find(candidate => candidate.port === wanted);
  if (!port) throw new Error(`no service port ${wanted} found for service "${name}"`);
  const endpoints = options.store
    .list(ENDPOINT_SLICE, namespace)
    .filter(slice => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
    .flatMap(slice => readyEndpoints(slice, stringOf(port.name)));
  const chosen = endpoints[randomInteger(options.random, 0, Math.max(0, endpoints.length - 1))];
  if (!chosen) throw new Error(`no endpoints available for service "${name}"`);
  return chosen;
}

function readyEndpoints(slice: JsonObject, portName: string): Endpoint[] {
  const port = objectsOf(slice.ports).find(candidate => stringOf(candidate.name) === portName);
  const number = numberOf(port?.port);
  if (number === undefined) return [];
  return objectsOf(slice.endpoints)
    .filter(endpoint => objectOf(endpoint.conditions).ready !== false)
    .flatMap(endpoint => arrayOf(endpoint.addresses).slice(0, 1))
    .map(address => ({ address: stringOf(address), port: number }));
}
