import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { DIRECT_ACCESS_ANNOTATION, INJECT_ANNOTATION, READINESS_GATE } from '../../common/names.ts';
import type { Manifest } from '../cluster/manifest.ts';

const EXAMPLES = new URL('../../examples/', import.meta.url);
const CONTAINER_PORT = 8080;
/** On the node, for the Pods' own counts of requests. */
const COUNTER_FOLDER = '/counters';
export const COUNTER_FILE = `${COUNTER_FOLDER}/requests`;

/** Two sides of the same application, which differ in one thing: whether a preStop waits for the load balancer. */
export const SIDES = ['hooked', 'gate-only'] as const;
export type Side = (typeof SIDES)[number];

/** An example's documents, unchanged. */
export function exampleManifest(file: string): Manifest {
  return parse(readFileSync(new URL(file, EXAMPLES), 'utf8')) as Manifest;
}

export function sideManifests(side: Side, replicas: number): Manifest[] {
  return [deployment(side, replicas), service(side)];
}

function service(side: Side): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: side, annotations: { [DIRECT_ACCESS_ANNOTATION]: 'true' } },
    spec: {
      type: 'LoadBalancer',
      selector: { app: side },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: CONTAINER_PORT }],
    },
  };
}

function deployment(side: Side, replicas: number): Manifest {
  const labels = { app: side };
  const eni = { 'tke.cloud.tencent.com/eni-ip': '1' };
  const container = {
    name: 'echo',
    image: 'echo',
    env: [{ name: 'COUNTER_FILE', value: COUNTER_FILE }],
    ports: [{ containerPort: CONTAINER_PORT }],
    readinessProbe: { tcpSocket: { port: CONTAINER_PORT }, periodSeconds: 1 },
    resources: { requests: eni, limits: eni },
    volumeMounts: [{ name: 'counters', mountPath: COUNTER_FOLDER }],
  };
  const volumes = [{ name: 'counters', hostPath: { path: COUNTER_FOLDER } }];
  const template = {
    metadata: { labels, annotations: { 'tke.cloud.tencent.com/networks': 'tke-route-eni', ...annotations(side) } },
    spec: { containers: [container], volumes, ...gates(side) },
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: side, labels },
    spec: { replicas, selector: { matchLabels: labels }, template },
  };
}

/** The webhook adds gate and hook to one side and is told to leave the other alone, which brings its gate itself. */
function annotations(side: Side): Record<string, string> {
  return side === 'hooked' ? {} : { [INJECT_ANNOTATION]: 'false' };
}

function gates(side: Side): object {
  return side === 'hooked' ? {} : { readinessGates: [{ conditionType: READINESS_GATE }] };
}
