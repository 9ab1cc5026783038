import { isCidr, withinAny } from '../cidr.ts';
import type { PodRecord } from '../pod-record.ts';
import { UNDECIDED_ENI } from './detect-eni.ts';
import type { NodeNetwork } from './node-network.ts';

/**
 * Decides on a Pod that carries no mark at all. On a node that offers ENI resources its address comes from VPC-CNI unless
 * it lies in a range that the node's bridge network hands out: the last rule of TKE's order, asked of the Pod's own node.
 */
export function eniByNode(record: PodRecord, network: NodeNetwork | undefined): PodRecord {
  if (record.eni !== UNDECIDED_ENI || !network?.eniResource) return record;
  const { eniResource, podCidrs } = network;
  const offers = `the node offers ${eniResource}`;
  if (podCidrs.length === 0) return { ...record, eni: { attached: true, reason: `${offers} and has no podCIDR` } };
  const isReadable = record.addresses.length > 0 && podCidrs.every(isCidr);
  if (!isReadable || record.addresses.some(withinAny(podCidrs))) return record;
  return {
    ...record,
    eni: { attached: true, reason: `${offers} and the address lies outside of ${podCidrs.join(', ')}` },
  };
}
