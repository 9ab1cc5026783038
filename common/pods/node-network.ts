import { ENI_RESOURCES } from '../eni-marks.ts';
import type { Node } from '../kube/objects.ts';

/** What the Node says about where its Pods' addresses come from. */
export interface NodeNetwork {
  /** The first of TKE's ENI resources that the node offers, be it with 0 left; undefined when it offers none. */
  readonly eniResource: string | undefined;
  /** The ranges that a bridge network on this node hands out; empty where every address comes from VPC-CNI. */
  readonly podCidrs: readonly string[];
}

/** The kubelet leaves a resource at 0 while its device plugin is away, so the name counts, not the number. */
export function networkOf({ spec, status }: Node): NodeNetwork {
  const offered = { ...status?.capacity, ...status?.allocatable };
  const podCidrs = spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
  return { eniResource: ENI_RESOURCES.find(name => name in offered), podCidrs };
}
