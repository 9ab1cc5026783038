/** A run that makes the product, installed by the chart, do about all that it ever asks the API server for. */
import type { Clock } from '../../../common/clock.ts';
import type { Cluster } from '../harness.ts';
import { waitUntil } from '../wait.ts';
import { backend, certificateSecret, ingress } from './ingress-objects.ts';
import { names } from './names.ts';
import { damageUpkeep, untilWhole } from './upkeep-damage.ts';

const inNamespace = `--namespace=${names.namespace}`;
const timeoutMs = 60_000;

const certificates = { 'a.example.com': 'cert-a' };

/** A Service of type LoadBalancer that is ours. */
function service(name: string, annotations: Readonly<Record<string, string>> = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations: { 'service.cloud.tencent.com/direct-access': 'true', ...annotations } },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80, targetPort: 80 }] },
  };
}

/** Pods without gate and hook, one of a Deployment and one of a Job. */
function bareWorkloads(): object[] {
  const labels = { app: 'bare' };
  const metadata = { labels, annotations: { 'clb-direct.io/inject': 'false' } };
  const spec = { containers: [{ name: 'bare', image: 'nginx' }] };
  const template = { metadata, spec };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'bare' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'bare' },
      spec: { template: { metadata, spec: { ...spec, restartPolicy: 'Never' } } },
    },
  ];
}

/** In its node's own network, bound by the instance behind the node. No cloud names one here, so that its gate stays shut. */
function edge(): object {
  const labels = { app: 'edge' };
  const spec = { hostNetwork: true, containers: [{ name: 'edge', image: 'nginx' }] };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'edge' },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

/** With a TkeServiceConfig that the product makes and keeps. */
function front(host: string, certificates: Readonly<Record<string, string>>): object {
  const made = ingress('front', [{ host, path: '/', app: 'web' }], certificates);
  const { metadata, ...rest } = made as { metadata: { annotations: object } };
  const annotations = { ...metadata.annotations, 'ingress.cloud.tencent.com/tke-service-config-auto': 'true' };
  return { ...rest, metadata: { ...metadata, annotations } };
}

const notUnderstood = 'service.cloud.tencent.com/specify-protocol';
/** What is not understood gets an Event; an Event that comes again is a patch of the first. */
const odd = service('odd', { [notUnderstood]: 'no JSON' });
const ofOdd = 'involvedObject.name=odd';

const objects = [
  ...backend('web', 3),
  service('shop', { 'service.cloud.tencent.com/tke-service-config-auto': 'true' }),
  ...backend('shop', 3).slice(0, 1),
  ...Object.values(certificates).map(certificateSecret),
  front('a.example.com', certificates),
  service('bare'),
  ...bareWorkloads(),
  service('edge'),
  edge(),
  odd,
];

const listOf = (items: readonly object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

/** @param clock waits for what the product does on its own. What was made stays, until `removeBroadRun`. */
export async function playBroadRun(clock: Clock, cluster: Cluster): Promise<void> {
  const apply = (items: readonly object[]) => cluster.kubectl(['apply', '--filename=-'], listOf(items));
  const rolledOut = (name: string) => cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=120s']);
  await apply(objects);
  for (const name of ['web', 'shop']) await rolledOut(name);
  await damageUpkeep(clock, cluster);
  await apply([front('b.example.com', {}), service('odd', { [notUnderstood]: '{}' })]);
  await cluster.kubectl(['rollout', 'restart', 'deployment/web', 'deployment/shop']);
  for (const name of ['web', 'shop']) await rolledOut(name);
  await apply([odd]);
  await waitUntil(clock, 'an Event that is told again', timeoutMs, async () => {
    const { items } = await cluster.get<{ items: readonly { count: number }[] }>(['events', '--field-selector', ofOdd]);
    return items.some(({ count }) => count > 1);
  });
  await cluster.kubectl(['exec', 'daemonset/clb-direct-agent', inNamespace, '--', 'clb-direct', 'agent', '--check']);
  await cluster.kubectl(['delete', 'lease', names.lease, inNamespace]);
  await untilWhole(clock, cluster, `lease/${names.lease}`, inNamespace);
}

export async function removeBroadRun(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['delete', '--timeout=100s', '--ignore-not-found', '--filename=-'], listOf(objects));
}
