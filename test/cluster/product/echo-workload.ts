/** A Deployment that passes every Pod Security Standard, and a Service of ours for it. */
import type { Clock } from '../../../common/clock.ts';
import type { Service } from '../../../common/kube/objects.ts';
import type { Cluster } from '../harness.ts';
import { waitUntil } from '../wait.ts';

export interface EchoWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  /** Over those of the Pods. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Default: 80, which leads to the echo server. */
  readonly servicePorts?: readonly object[];
  /** Over those of the one container. */
  readonly container?: object;
  /** Over those of the template's specification. */
  readonly template?: object;
}

const port = 8080;
const addressTimeoutMs = 60_000;

/** No process of it is root, so the port is not below 1024. */
export function echoObjects(workload: EchoWorkload): object[] {
  const { name, namespace, replicas, container, template } = workload;
  const { servicePorts = [{ port: 80, targetPort: port }] } = workload;
  const labels = { app: name };
  const annotations = { 'tke.cloud.tencent.com/networks': 'tke-route-eni', ...workload.annotations };
  // One on each node, of each revision.
  const spread = {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: labels },
    matchLabelKeys: ['pod-template-hash'],
  };
  const spec = {
    topologySpreadConstraints: [spread],
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'echo',
        image: 'echo',
        env: [{ name: 'PORT', value: String(port) }],
        readinessProbe: { httpGet: { port, path: '/' }, periodSeconds: 1 },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        ...container,
      },
    ],
    ...template,
  };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace },
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, annotations: { 'service.cloud.tencent.com/direct-access': 'true' } },
      spec: { type: 'LoadBalancer', selector: labels, ports: servicePorts },
    },
  ];
}

/** Returns the virtual address when every Pod is ready, its gate too. */
export async function deployEcho(clock: Clock, cluster: Cluster, workload: EchoWorkload): Promise<string> {
  const list = { apiVersion: 'v1', kind: 'List', items: echoObjects(workload) };
  await cluster.kubectl(['apply', '--filename=-'], JSON.stringify(list));
  await rolledOut(cluster, workload);
  return virtualAddressOf(clock, cluster, workload);
}

/** The Service's address, once it has one. */
export function virtualAddressOf(
  clock: Clock,
  cluster: Cluster,
  { name, namespace }: Pick<EchoWorkload, 'name' | 'namespace'>,
): Promise<string> {
  return waitUntil(clock, `the address of Service ${namespace}/${name}`, addressTimeoutMs, async () => {
    const { status } = await cluster.get<Service>(['service', name, `--namespace=${namespace}`]);
    return status?.loadBalancer?.ingress?.[0]?.ip;
  });
}

type Named = Pick<EchoWorkload, 'name' | 'namespace'>;

export async function rolledOut(cluster: Cluster, { name, namespace }: Named): Promise<void> {
  await cluster.kubectl(['rollout', 'status', `deployment/${name}`, `--namespace=${namespace}`, '--timeout=240s']);
}

export async function restart(cluster: Cluster, { name, namespace }: Named): Promise<void> {
  await cluster.kubectl(['rollout', 'restart', `deployment/${name}`, `--namespace=${namespace}`]);
}
