import { createHash } from 'node:crypto';
import type { InstanceNames } from '../common/instance-names.ts';

export interface ClusterIdentity {
  /** UID of the namespace kube-system. */
  readonly clusterUid: string | undefined;
  /** Tells clusters apart that share a load balancer. */
  readonly clusterName: string;
  readonly names: Pick<InstanceNames, 'name'>;
}

const LENGTH = 8;

/** A short hash of the cluster and the instance: whose marks are whose (design, Marks). */
export function clusterHash({ clusterUid, clusterName, names }: ClusterIdentity): string {
  const words = [clusterUid, clusterName, ...(names.name ? [names.name] : [])];
  return createHash('sha256').update(words.join('/')).digest('hex').slice(0, LENGTH);
}
