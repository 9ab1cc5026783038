/** How large the cluster is that is measured. */
export interface ClusterSize {
  readonly nodes: number;
  readonly pods: number;
  readonly services: number;
  /** Pods of the Service whose Deployment is updated; the others stand alone and belong to the other Services. */
  readonly rolling: number;
}

const PODS_PER_NODE = 10;
const NODES_PER_SERVICE = 20;
const ROLLING_MAX = 300;

/** 1,000 nodes: 10,000 Pods and 50 Services, of which one has 300 Pods. */
export function sizeOf(nodes: number): ClusterSize {
  const pods = nodes * PODS_PER_NODE;
  const services = Math.max(2, Math.round(nodes / NODES_PER_SERVICE));
  return { nodes, pods, services, rolling: Math.min(ROLLING_MAX, Math.floor(pods / 2)) };
}
