import type { Clock } from '../../../common/clock.ts';
import type { KubeObject, Lease, Node, Pod, Service } from '../../../common/kube/objects.ts';
import type { KubeTransport } from '../../../common/kube/transport.ts';
import type { Random } from '../../../common/random.ts';
import type { KubeClient } from '../kube-client.ts';
import { ObjectCache } from '../object-cache.ts';
import { collectionPath, type Resource } from '../resource-path.ts';
import type { EndpointSlice } from './plan-endpoint-slices.ts';
import { controllerOf, type Deployment, type ReplicaSet } from './workloads.ts';

export const NODE_LEASE_NAMESPACE = 'kube-node-lease';

/** One log line: a constant message and what it is about. */
export type Log = (message: string, details?: Readonly<Record<string, unknown>>) => void;

/** What every controller works with. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly caches: ClusterCaches;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Everything the controllers watch; Pods and ReplicaSets are grouped by their controller's UID. */
export interface ClusterCaches {
  readonly pods: ObjectCache<Pod>;
  readonly nodes: ObjectCache<Node>;
  readonly leases: ObjectCache<Lease>;
  readonly services: ObjectCache<Service>;
  readonly replicaSets: ObjectCache<ReplicaSet>;
  readonly deployments: ObjectCache<Deployment>;
  readonly endpointSlices: ObjectCache<EndpointSlice>;
}

export function clusterCaches(options: {
  transport: KubeTransport;
  clock: Clock;
  random: Random;
  log: Log;
}): ClusterCaches {
  const { transport, clock, random, log } = options;
  const cache = <T extends KubeObject>(
    resource: Resource,
    namespace?: string,
    groupOf?: (object: T) => string | undefined,
  ) =>
    new ObjectCache<T>({
      transport,
      clock,
      random,
      path: collectionPath(resource, namespace),
      ...(groupOf && { groupOf }),
      onError: error => log('watch failed', { resource, error }),
    });
  const byController = (object: KubeObject) => controllerOf(object)?.uid;
  return {
    pods: cache<Pod>('pods', undefined, byController),
    nodes: cache<Node>('nodes'),
    leases: cache<Lease>('leases', NODE_LEASE_NAMESPACE),
    services: cache<Service>('services'),
    replicaSets: cache<ReplicaSet>('replicasets', undefined, byController),
    deployments: cache<Deployment>('deployments'),
    endpointSlices: cache<EndpointSlice>('endpointslices', undefined, byController),
  };
}
