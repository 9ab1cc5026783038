/**
 * Pods that ask for no processor have next to none while others use it: the kernel gives them a fiftieth of what it gives
 * a neighbour that asks for 100m. On a machine that runs several clusters they stand still for seconds, which says nothing
 * about the product.
 */
import type { Cluster } from '../harness.ts';

const name = 'processor-share';

/** Whatever is made in the namespace from now on asks for its share, if it does not ask for another. */
export async function shareProcessor(cluster: Cluster, namespace: string): Promise<void> {
  const limits = [{ type: 'Container', defaultRequest: { cpu: '100m' } }];
  const range = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name, namespace }, spec: { limits } };
  await cluster.kubectl(['apply', '--filename=-'], JSON.stringify(range));
}

export async function unshareProcessor(cluster: Cluster, namespace: string): Promise<void> {
  await cluster.kubectl(['delete', 'limitrange', name, `--namespace=${namespace}`, '--ignore-not-found']);
}
