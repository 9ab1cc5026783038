export interface WorkloadOptions {
  readonly replicas: number;
  /** Default: `app` alone, as in the selector. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly maxSurge?: number | string;
  readonly maxUnavailable?: number | string;
  /** Default `nginx`; the sandbox's kubelets pull no other but `echo`. */
  readonly image?: string;
  /** Default `eni`; `node`: the network of its node; `bridge`: addresses that CLB does not reach. */
  readonly network?: 'eni' | 'node' | 'bridge';
}

const ENI = { 'tke.cloud.tencent.com/eni-ip': '1' };
const NETWORKS = { eni: 'tke-route-eni', node: undefined, bridge: 'tke-bridge' } as const;

/** A Deployment as a user writes it. */
export function workload(name: string, options: WorkloadOptions): object {
  const { replicas, labels, annotations, maxSurge = '25%', maxUnavailable = 0 } = options;
  const { image = 'nginx', network = 'eni' } = options;
  const networks = NETWORKS[network];
  const resources = network === 'eni' ? { resources: { requests: ENI, limits: ENI } } : {};
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
      template: {
        metadata: {
          labels: { app: name, ...labels },
          annotations: { ...(networks && { 'tke.cloud.tencent.com/networks': networks }), ...annotations },
        },
        spec: {
          ...(network === 'node' && { hostNetwork: true }),
          containers: [{ name: 'main', image, ...resources }],
        },
      },
    },
  };
}
