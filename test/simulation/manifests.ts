import { READINESS_GATE } from '../../common/names.ts';

interface DeploymentOptions {
  readonly replicas: number;
  readonly hooked: boolean;
  /** Default `nginx`. */
  readonly image?: string;
  /** What Services select its Pods by; default its name. */
  readonly app?: string;
}

/** The seed manifest (examples/) with a name of its own; unhooked, it has the gate and no preStop, for contrast. */
export function deployment(name: string, options: DeploymentOptions): object {
  const { replicas, hooked, image = 'nginx', app } = options;
  const labels = app === undefined ? { app: name } : { app, deployment: name };
  const { app: _, ...distinct } = labels;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: {
      replicas,
      selector: { matchLabels: app === undefined ? labels : distinct },
      template: {
        metadata: {
          labels,
          annotations: {
            'tke.cloud.tencent.com/networks': 'tke-route-eni',
            ...(!hooked && { 'clb-direct.io/inject': 'false' }),
          },
        },
        spec: {
          containers: [
            {
              name: 'main',
              image,
              resources: {
                requests: { 'tke.cloud.tencent.com/eni-ip': '1' },
                limits: { 'tke.cloud.tencent.com/eni-ip': '1' },
              },
            },
          ],
          ...(!hooked && { readinessGates: [{ conditionType: READINESS_GATE }] }),
        },
      },
    },
  };
}

export interface ServicePort {
  readonly port: number;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly targetPort?: number | string;
}

export function service(
  name: string,
  annotations: Record<string, string> = {},
  ports: readonly ServicePort[] = [{ port: 80 }],
): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: 'default',
      annotations: { 'service.cloud.tencent.com/direct-access': 'true', ...annotations },
    },
    spec: {
      type: 'LoadBalancer',
      selector: { app: name },
      ports: portList(ports),
    },
  };
}

/** `spec.ports` of a Service. */
export function portList(ports: readonly ServicePort[]): object[] {
  return ports.map(({ port, protocol = 'TCP', targetPort = 80 }) => ({
    name: `${protocol.toLowerCase()}-${port}`,
    port,
    protocol,
    targetPort,
  }));
}

export const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
export const SERVICES = '/api/v1/namespaces/default/services';
export const MERGE_PATCH = 'application/merge-patch+json';

/** What `kubectl rollout restart` changes. */
export function restartPatch(at: number): object {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': String(at) };
  return { spec: { template: { metadata: { annotations } } } };
}
