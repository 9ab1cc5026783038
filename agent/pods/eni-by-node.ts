import { BlockList, isIP } from 'node:net';
import type { PodRecord } from '../../common/pod-record.ts';
import type { NodeNetwork } from '../node/node-view.ts';
import { UNDECIDED_ENI } from './detect-eni.ts';

/**
 * Decides on a Pod that carries no mark at all. On a node that offers ENI resources its address comes from VPC-CNI unless
 * it lies in a range that the node's bridge network hands out: the last rule of TKE's order, asked of the Pod's own node.
 */
export function eniByNode(record: PodRecord, network: NodeNetwork | undefined): PodRecord {
  if (record.eni !== UNDECIDED_ENI || !network?.eniResource) return record;
  const { eniResource, podCidrs } = network;
  const offers = `the node offers ${eniResource}`;
  if (podCidrs.length === 0) return { ...record, eni: { attached: true, reason: `${offers} and has no podCIDR` } };
  const isBridged = within(podCidrs);
  if (record.addresses.length === 0 || record.addresses.some(isBridged)) return record;
  return {
    ...record,
    eni: { attached: true, reason: `${offers} and the address lies outside of ${podCidrs.join(', ')}` },
  };
}

function within(cidrs: readonly string[]): (address: string) => boolean {
  const ranges = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/');
    ranges.addSubnet(address, Number(bits), familyOf(address));
  }
  return address => ranges.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
