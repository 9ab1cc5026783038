/** The product as a user installs it: the image, the chart, helm. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProductImage } from '../../../tools/image/product-image.ts';
import type { CommandOutput } from '../command.ts';
import type { Cluster } from '../harness.ts';
import { clbEndpoint, cloudKey } from './load-balancers.ts';
import { names, productFolder } from './names.ts';

const chartFolder = join(import.meta.dirname, '../../../charts/clb-direct');
const keySecret = 'clb-direct-key';
/** How long helm waits for what it has changed. */
export const helmTimeout = '--timeout=240s';

/** The three values that a user has to give. */
const required = [
  'cloud.region=ap-guangzhou',
  'cloud.vpcId=vpc-cluster',
  `cloud.credentials.existingSecret=${keySecret}`,
];
/** What is otherwise here than on a user's cluster: where CLB is, which image, and health checks that take no half minute. */
const circumstances = [
  `cloud.endpoint=${clbEndpoint}`,
  'image.tag=dev',
  'coordinator.healthCheck.intervalSeconds=2',
  'coordinator.healthCheck.threshold=2',
];

/** Makes the image and brings it to every node, as `ctr images import` does it. */
export async function importImage(cluster: Cluster): Promise<void> {
  const folder = productFolder(cluster.settings);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'clb-direct.tar');
  await writeProductImage(file);
  const load = ['ctr', '--namespace', 'k8s.io', 'images', 'import', file];
  for (const node of cluster.nodes) await cluster.runOnNode(node, load);
}

/** The namespace with the cloud's key in it. What another suite has left of the product is taken away. */
export async function prepareNamespace(cluster: Cluster): Promise<void> {
  await removeRemains(cluster);
  await cluster.kubectl(['create', 'namespace', names.namespace]);
  const literals = Object.entries(cloudKey).map(([key, value]) => `--from-literal=${key}=${value}`);
  await cluster.kubectl(['create', 'secret', 'generic', keySecret, `--namespace=${names.namespace}`, ...literals]);
}

/** Takes away what is left of the product, however it was started. */
export async function removeRemains(cluster: Cluster): Promise<void> {
  const remove = (...what: string[]) => cluster.kubectl(['delete', ...what, '--ignore-not-found']);
  const selector = '--selector=app.kubernetes.io/name=clb-direct';
  await remove('mutatingwebhookconfiguration', 'clb-direct');
  await remove('clusterrole,clusterrolebinding', selector);
  await remove('role,rolebinding', selector, '--namespace=kube-system');
  await remove('namespace', names.namespace, '--timeout=60s');
}

/** `helm install` or `upgrade`; returns when everything is ready. @throws what helm says */
export function helmApply(
  cluster: Cluster,
  verb: 'install' | 'upgrade',
  values: readonly string[] = [],
  { release, namespace } = { release: 'clb-direct', namespace: names.namespace as string },
): Promise<CommandOutput> {
  const set = [...required, ...circumstances, ...values].map(value => `--set=${value}`);
  return helm(cluster, [verb, release, chartFolder, ...set, '--wait', helmTimeout], namespace);
}

/** Any other command of helm on the release. @throws what helm says */
export function helm(
  cluster: Cluster,
  args: readonly string[],
  namespace: string = names.namespace,
): Promise<CommandOutput> {
  return cluster.run(['helm', ...args, `--namespace=${namespace}`]);
}
