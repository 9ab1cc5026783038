import { DIRECT_ACCESS_ANNOTATION } from '../../../common/names.ts';
import type { Manifest } from '../../../sandbox/cluster/manifest.ts';

export const WIDE = 'wide';
/** As many as a Service's listeners may be created in one call. */
export const WIDE_PORTS = 49;
export const WIDE_PODS_AT_FIRST = 1;
export const WIDE_PODS_LATER = 9;
export const WIDE_PORT_FIRST = 8001;
const CONTAINER_PORT = 8080;

/** Ten Pods behind 49 listeners: 49 targets at first, 441 more in one batch when the Service's selector is widened. */
export function wideManifests(): Manifest[] {
  return [part('a', WIDE_PODS_AT_FIRST), part('b', WIDE_PODS_LATER), wideService()];
}

function part(name: string, replicas: number): Manifest {
  const labels = { app: WIDE, part: name };
  const eni = { 'tke.cloud.tencent.com/eni-ip': '1' };
  const container = {
    name: 'echo',
    image: 'echo',
    ports: [{ containerPort: CONTAINER_PORT }],
    readinessProbe: { tcpSocket: { port: CONTAINER_PORT }, periodSeconds: 1 },
    resources: { requests: eni, limits: eni },
  };
  const metadata = { labels, annotations: { 'tke.cloud.tencent.com/networks': 'tke-route-eni' } };
  const spec = {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata, spec: { containers: [container] } },
  };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: `${WIDE}-${name}`, labels }, spec };
}

function wideService(): Manifest {
  const ports = Array.from({ length: WIDE_PORTS }, (_, index) => {
    const port = WIDE_PORT_FIRST + index;
    return { name: `port-${port}`, port, protocol: 'TCP', targetPort: CONTAINER_PORT };
  });
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: WIDE, annotations: { [DIRECT_ACCESS_ANNOTATION]: 'true' } },
    spec: { type: 'LoadBalancer', selector: { app: WIDE, part: 'a' }, ports },
  };
}
