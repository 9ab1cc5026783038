/** The product from its image and chart, with the CLB stand-in, in the place of what another suite has left. */
import type { Cluster } from '../harness.ts';
import { helmApply, importImage, prepareNamespace, removeRemains } from './chart.ts';
import { type LoadBalancers, startLoadBalancers } from './load-balancers.ts';
import { serveServiceNames } from './service-names.ts';

export interface InstalledProduct extends Pick<LoadBalancers, 'journal' | 'control'> {
  /** Takes it away without its own help. Delete what has a load balancer before. */
  remove(): Promise<void>;
}

/** Returns when everything is ready. @param values of the chart beside the required ones. */
export async function installProduct(cluster: Cluster, values: readonly string[] = []): Promise<InstalledProduct> {
  const stop = new AbortController();
  await Promise.all([importImage(cluster), prepareNamespace(cluster), serveServiceNames(cluster, stop.signal)]);
  const loadBalancers = await startLoadBalancers(cluster);
  const remove = async () => {
    await cluster.leaveClean(() => removeRemains(cluster));
    stop.abort();
    await loadBalancers.stop();
  };
  try {
    await helmApply(cluster, 'install', values);
  } catch (error) {
    await remove();
    throw error;
  }
  return { journal: loadBalancers.journal, control: loadBalancers.control, remove };
}
