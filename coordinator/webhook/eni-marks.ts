import {
  isEniNetwork,
  NETWORKS_ANNOTATION,
  POD_TYPE_ANNOTATION,
  requestedEniResource,
  SUPER_NODE_POD_TYPE,
} from '../../common/eni-marks.ts';
import type { Pod } from '../../common/kube/objects.ts';

/** Taint of super nodes. */
const SUPER_NODE_TAINT = 'eks.tke.cloud.tencent.com/eklet';
const INSTANCE_TYPE_LABEL = 'node.kubernetes.io/instance-type';

/** What a Pod that is being created says about its network; status and node are not known yet. */
export type EniMark = 'hostNetwork' | 'superNode' | 'eni' | 'otherNetwork' | 'none';

/**
 * TKE's marks in the documented order: host network, super node, ENI resource, networks annotation.
 * Source: TKE documents 457/34993 and VPC-CNI; the order is ours, from what decides first on a node.
 */
export function eniMark(pod: Pod): EniMark {
  if (pod.spec.hostNetwork) return 'hostNetwork';
  if (isForSuperNode(pod)) return 'superNode';
  if (requestedEniResource(pod)) return 'eni';
  return namedNetwork(pod) ?? 'none';
}

/** A toleration alone says only that the Pod may land there. */
function isForSuperNode(pod: Pod): boolean {
  const podType = pod.metadata.annotations?.[POD_TYPE_ANNOTATION];
  return podType === SUPER_NODE_POD_TYPE || pod.spec.nodeSelector?.[INSTANCE_TYPE_LABEL] === SUPER_NODE_POD_TYPE;
}

/** The Pod may land on a super node; one that tolerates everything is not meant for it. */
export function toleratesSuperNode({ spec }: Pod): boolean {
  return (spec.tolerations ?? []).some(({ key }) => key === SUPER_NODE_TAINT);
}

/** A Pod that names its networks has no other. */
function namedNetwork(pod: Pod): EniMark | undefined {
  const networks = pod.metadata.annotations?.[NETWORKS_ANNOTATION];
  if (!networks) return undefined;
  return networks.split(',').some(isEniNetwork) ? 'eni' : 'otherNetwork';
}
