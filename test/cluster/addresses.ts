import { nodeNumber } from './settings.ts';

/**
 * Addresses inside the cluster's network namespace. They never leave it, so they need not be configurable:
 * clusters side by side use the same ones, each in its own namespace.
 */
export const controlPlaneAddress = '10.250.0.1';
/** Any address of it may be bound by clients and load generators in the namespace; Pods see it as the peer. */
export const clientSubnet = '10.250.1.0/24';
/** Any address of it may be bound by a load balancer in the namespace. */
export const virtualAddressSubnet = '10.250.2.0/24';
export const serviceSubnet = '10.96.0.0/24';
/** The ClusterIP of the Service `kubernetes`; the only ClusterIP that works, since there is no kube-proxy. */
export const apiServiceAddress = '10.96.0.1';

export const apiPort = 6443;
export const etcdPort = 2379;
export const registryPort = 5000;
export const requestLogPort = 5514;

export const apiUrl = `https://${controlPlaneAddress}:${apiPort}`;
export const registryUrl = `http://${controlPlaneAddress}:${registryPort}`;

export function nodeAddress(node: string): string {
  return `10.250.0.${10 + nodeNumber(node)}`;
}

export function podSubnet(node: string): string {
  return `10.244.${nodeNumber(node)}.0/24`;
}
