import type { ClbState, LoadBalancer, LoadBalancerAttributes, Tag } from './state.ts';

type Given = Pick<LoadBalancer, 'name' | 'vpcId'> & Partial<LoadBalancer>;

/** Nothing was chosen. */
export const PLAIN_ATTRIBUTES: LoadBalancerAttributes = {
  securityGroups: [],
  passToTarget: false,
  internet: { InternetChargeType: 'TRAFFIC_POSTPAID_BY_HOUR', InternetMaxBandwidthOut: 10 },
  addressVersion: 'IPV4',
  shown: {},
};

/** One that was ordered, with what is known of it. */
export function newLoadBalancer(id: string, createdAt: number, given: Given): LoadBalancer {
  return {
    id,
    type: 'OPEN',
    subnetId: '',
    tags: [],
    createdAt,
    deleteProtected: false,
    hasTraffic: false,
    targetQuota: undefined,
    status: 'ordered',
    vip: '',
    vipShown: true,
    domain: '',
    ipv6Vip: '',
    attributes: PLAIN_ATTRIBUTES,
    operating: false,
    busyUntil: 0,
    listeners: new Map(),
    ...given,
  };
}

/** The name that a domain-type load balancer is reached by. */
export function domainOf(id: string): string {
  return `${id}.clb.sandbox.tencentclb.com`;
}

/** A load balancer as someone else made it, for tests and demonstrations of existing ones. */
export interface LoadBalancerSeed extends LoadBalancerEdit {
  readonly id?: string;
  readonly vpcId?: string;
  /** A domain-type load balancer: reads show a domain, and the address only if `vip-and-domain` says so. */
  readonly address?: 'vip' | 'domain' | 'vip-and-domain';
  readonly ipv6Vip?: string;
}

/** What can be set at a load balancer from outside the API. */
export interface LoadBalancerEdit {
  readonly name?: string;
  readonly tags?: readonly Tag[];
  readonly deleteProtected?: boolean;
  readonly attributes?: LoadBalancerAttributes;
  /** Whether the guard of deletions sees traffic. */
  readonly hasTraffic?: boolean;
  /** Targets per listener or rule, in place of the account's quota. */
  readonly targetQuota?: number;
}

/** Puts a running load balancer there at once. */
export function seedLoadBalancer(state: ClbState, seed: LoadBalancerSeed, wallNow: number): LoadBalancer {
  const { id = state.newId('lb'), vpcId = 'vpc-default', address = 'vip', ipv6Vip = '', ...edit } = seed;
  const domain = address === 'vip' ? '' : domainOf(id);
  const known = {
    vpcId,
    domain,
    vipShown: address !== 'domain',
    ipv6Vip,
    status: 'running',
    vip: state.takeVip(),
  } as const;
  const loadBalancer = newLoadBalancer(id, wallNow, { name: id, ...edit, ...known });
  state.loadBalancers.set(id, loadBalancer);
  return loadBalancer;
}
