import { type Random, randomInteger } from '../../../common/random.ts';
import { type ApiObject, type JsonObject, objectOf, objectsOf, stringOf, withFields } from './json.ts';
import { SERVICE } from './kinds.ts';
import type { Store } from './store.ts';

const NODE_PORT_MIN = 30_000;
const NODE_PORT_MAX = 32_767;

/**
 * Gives a Service its cluster IP (from 10.96.0.0/16) and node ports; what `current` had and the client left out is kept,
 * as the real server does for PUT without these fields.
 */
export function withServiceAddresses(
  service: ApiObject,
  current: ApiObject | undefined,
  options: { readonly store: Store; readonly random: Random },
): ApiObject {
  const spec = objectOf(service.spec);
  if (spec.type === 'ExternalName') return service;
  const before = objectOf(current?.spec);
  const others = options.store.list(SERVICE).map(other => objectOf(other.spec));
  const clusterIP = stringOf(spec.clusterIP) || stringOf(before.clusterIP) || freeAddress(others, options.random);
  return withFields(service, {
    spec: {
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ...spec,
      clusterIP,
      clusterIPs: [clusterIP],
      ...(spec.ports !== undefined && { ports: withNodePorts(spec, before, others, options.random) }),
    },
  });
}

function freeAddress(others: readonly JsonObject[], random: Random): string {
  const used = new Set(others.map(spec => spec.clusterIP));
  for (;;) {
    const address = `10.96.${randomInteger(random, 0, 255)}.${randomInteger(random, 2, 254)}`;
    if (!used.has(address)) return address;
  }
}

function withNodePorts(
  spec: JsonObject,
  before: JsonObject,
  others: readonly JsonObject[],
  random: Random,
): JsonObject[] {
  const ports = objectsOf(spec.ports);
  const wanted =
    spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
  if (!wanted) return ports;
  const used = new Set(others.flatMap(other => objectsOf(other.ports).map(port => port.nodePort)));
  return ports.map(port => {
    if (port.nodePort) return port;
    const kept = objectsOf(before.ports).find(old => old.port === port.port && old.protocol === port.protocol);
    const nodePort = kept?.nodePort ?? freePort(used, random);
    used.add(nodePort);
    return { ...port, nodePort };
  });
}

function freePort(used: ReadonlySet<unknown>, random: Random): number {
  for (;;) {
    const port = randomInteger(random, NODE_PORT_MIN, NODE_PORT_MAX);
    if (!used.has(port)) return port;
  }
}
