import type { Clock } from '../../common/clock.ts';
import type { Node } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import { type NodeNetwork, networkOf } from '../../common/pods/node-network.ts';
import type { Random } from '../../common/random.ts';

/** The fields of a Node that decisions read. */
export interface NodeRecord {
  /** Its address within the cluster's network; undefined until it has said one. */
  readonly address: string | undefined;
  /** Where its kubelet listens. */
  readonly kubeletPort: number;
  /** What the API server says of it, by its own word or for want of one. A node that never said anything has just been made. */
  readonly isReady: boolean;
  readonly network: NodeNetwork;
}

export interface NodeReflectorOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly onEvent: (event: ReflectorEvent<NodeRecord>) => void;
}

const KUBELET_PORT = 10_250;

/** Keeps all Nodes until `signal` aborts. */
export function runNodeReflector(options: NodeReflectorOptions, signal: AbortSignal): Promise<void> {
  const { transport, clock, random, log, onEvent } = options;
  return runReflector<Node, NodeRecord>(
    {
      transport,
      clock,
      random,
      path: '/api/v1/nodes',
      project: nodeRecord,
      onEvent,
      onError: error => log.warn('Nodes were not listed or watched, will try again', { error }),
    },
    signal,
  );
}

export function nodeRecord(node: Node): NodeRecord {
  const { conditions, addresses, daemonEndpoints } = node.status ?? {};
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return {
    address: addresses?.find(({ type }) => type === 'InternalIP')?.address,
    kubeletPort: daemonEndpoints?.kubeletEndpoint?.Port ?? KUBELET_PORT,
    isReady: ready === undefined || ready.status === 'True',
    network: networkOf(node),
  };
}
