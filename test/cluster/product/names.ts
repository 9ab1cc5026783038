/** Names and addresses of the product's processes in a cluster. */
import { join } from 'node:path';
import type { ClusterSettings } from '../settings.ts';

export const names = {
  namespace: 'clb-direct',
  agent: 'clb-direct-agent',
  coordinator: 'clb-direct-coordinator',
  webhook: 'clb-direct-webhook',
  lease: 'clb-direct',
} as const;

export const ports = {
  grpc: 9443,
  webhook: 9444,
  webhookSecond: 9445,
  http: 9442,
  agentMetrics: 19441,
  clb: 8090,
  clbControl: 8091,
} as const;

/** Load balancers get 10.250.2.1 and on. */
export const virtualAddressPrefix = '10.250.2';
/** Clients have 10.250.1.1 and on. */
export const clientAddressPrefix = '10.250.1.';

/** Kubeconfigs and tokens of the product's processes, and the journal of the CLB stand-in. */
export function productFolder({ workFolder }: ClusterSettings): string {
  return join(workFolder, 'product');
}

/** An address of its own on the bridge for each replica, as Pods have. */
export function coordinatorAddress(replica: number): string {
  return `10.250.0.${20 + replica}`;
}
