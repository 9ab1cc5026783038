/** What the product needs in the API server before its processes start from source. */
import { coordinatorAddress, names, ports } from './names.ts';

const ownLabels = { 'app.kubernetes.io/name': 'clb-direct' };

/** A leader waits before it leads by a lease that nobody made for it. */
export const lease = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: names.lease, namespace: names.namespace },
};

/** On each node one Pod that does nothing: the agent's token is bound to it, as a real agent's is to its own Pod. */
export const agentDaemonSet = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: names.agent, namespace: names.namespace },
  spec: {
    selector: { matchLabels: { component: 'agent' } },
    template: {
      metadata: { labels: { ...ownLabels, component: 'agent' } },
      spec: {
        serviceAccountName: names.agent,
        terminationGracePeriodSeconds: 1,
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name: 'agent', image: 'pause' }],
      },
    },
  },
};

const webhookPorts = [
  { name: 'webhook', port: ports.webhook },
  { name: 'webhook-second', port: ports.webhookSecond },
] as const;

/** Without selector: the coordinators are no Pods, so the slices name their addresses. */
export const webhookService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: names.webhook, namespace: names.namespace },
  spec: { ports: webhookPorts.map(port => ({ ...port, targetPort: ports.webhook })) },
};

/** Each port leads to every second of the coordinators. */
export function webhookEndpoints(replicas: readonly number[]): readonly object[] {
  return webhookPorts.map(({ name }, half) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${names.webhook}-${half}`,
      namespace: names.namespace,
      labels: { 'kubernetes.io/service-name': names.webhook },
    },
    addressType: 'IPv4',
    ports: [{ name, port: ports.webhook, protocol: 'TCP' }],
    endpoints: replicas
      .filter((_replica, index) => index % webhookPorts.length === half)
      .map(replica => ({ addresses: [coordinatorAddress(replica)], conditions: { ready: true } })),
  }));
}
