import type { KubeletNode } from '../kube/kubelet/kubelet-context.ts';

/** Where everything of one sandbox is: all of it in 127.<network>.0.0/16, so that sandboxes can run side by side. */
export interface AddressPlan {
  readonly network: number;
  readonly apiServer: ListenPoint;
  readonly clbApi: ListenPoint;
  readonly clbControl: ListenPoint;
  /** Load balancers get `<vipPrefix>.1` and so on. */
  readonly vipPrefix: string;
  /** Clients of load tests have `<clientPrefix>.1` and so on. */
  readonly clientPrefix: string;
  readonly nodes: readonly KubeletNode[];
}

export interface ListenPoint {
  readonly host: string;
  readonly port: number;
}

const NODES = 3;
/** As a node of 8 cores and 16 GiB has in VPC-CNI's shared-ENI mode. */
const CAPACITY = { cpu: '8', memory: '16Gi', 'tke.cloud.tencent.com/eni-ip': '29' };

/** @param network second number of all addresses */
export function addressPlan(network: number): AddressPlan {
  const prefix = `127.${network}`;
  return {
    network,
    apiServer: { host: `${prefix}.0.1`, port: 6443 },
    clbApi: { host: `${prefix}.0.2`, port: 8080 },
    clbControl: { host: `${prefix}.0.2`, port: 8081 },
    vipPrefix: `${prefix}.100`,
    clientPrefix: `${prefix}.200`,
    nodes: Array.from({ length: NODES }, (_, index) => node(prefix, index + 1)),
  };
}

function node(prefix: string, number: number): KubeletNode {
  return {
    name: `node${number}`,
    address: `${prefix}.0.${10 + number}`,
    podCidr: `${prefix}.${number}.0/24`,
    providerId: `qcloud:///100001/ins-node${number}`,
    capacity: CAPACITY,
  };
}
