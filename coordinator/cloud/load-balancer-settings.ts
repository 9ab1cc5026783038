import { isObject, optionalNumber, type Reply, stringList } from './reply-fields.ts';

/** What a new load balancer is made with, beside where it stands. What is left out is CLB's to choose. */
export interface CreationSettings {
  /** Of a public one. */
  readonly chargeType?: string;
  /** Of a public one, in Mbit/s. */
  readonly maxBandwidthMbps?: number;
  readonly passToTarget?: boolean;
  /** Further parameters of CreateLoadBalancer, as the API names them. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** What can be changed as long as a load balancer lives. What is left out stays as it is. */
export interface LoadBalancerSettings {
  /** All that it has. */
  readonly securityGroups?: readonly string[];
  /** Traffic of the load balancer passes the security groups of its targets. */
  readonly passToTarget?: boolean;
  /** Of a public one, in Mbit/s. */
  readonly maxBandwidthMbps?: number;
  readonly deleteProtected?: boolean;
}

/** Everything that changes by itself. */
interface LoadBalancerAttributes extends Omit<LoadBalancerSettings, 'securityGroups'> {
  /** At most 60 characters. */
  readonly name?: string;
}

/** One call: of the groups, or of everything else. */
export type LoadBalancerChange =
  | { readonly kind: 'attributes'; readonly settings: LoadBalancerAttributes }
  | { readonly kind: 'security-groups'; readonly ids: readonly string[] };

/** Of CreateLoadBalancer. */
export function creationParameters({ chargeType, maxBandwidthMbps, passToTarget, more }: CreationSettings): object {
  const given = more?.InternetAccessible;
  const internet = {
    ...(typeof given === 'object' && given),
    ...(chargeType !== undefined && { InternetChargeType: chargeType }),
    ...(maxBandwidthMbps !== undefined && { InternetMaxBandwidthOut: maxBandwidthMbps }),
  };
  return {
    ...more,
    ...(Object.keys(internet).length > 0 && { InternetAccessible: internet }),
    ...(passToTarget !== undefined && { LoadBalancerPassToTarget: passToTarget }),
  };
}

export interface ChangeRequest {
  readonly action: string;
  readonly parameters: object;
  /** It goes on after the answer. */
  readonly isTask: boolean;
}

export function changeRequest(loadBalancerId: string, change: LoadBalancerChange): ChangeRequest {
  switch (change.kind) {
    case 'security-groups':
      return {
        action: 'SetLoadBalancerSecurityGroups',
        isTask: false,
        parameters: { LoadBalancerId: loadBalancerId, SecurityGroups: change.ids },
      };
    case 'attributes': {
      const { name, passToTarget, maxBandwidthMbps, deleteProtected } = change.settings;
      const parameters = {
        LoadBalancerId: loadBalancerId,
        ...(name !== undefined && { LoadBalancerName: name }),
        ...(passToTarget !== undefined && { LoadBalancerPassToTarget: passToTarget }),
        ...(maxBandwidthMbps !== undefined && { InternetChargeInfo: { InternetMaxBandwidthOut: maxBandwidthMbps } }),
        ...(deleteProtected !== undefined && { DeleteProtect: deleteProtected }),
      };
      return { action: 'ModifyLoadBalancerAttributes', isTask: true, parameters };
    }
  }
}

/** What DescribeLoadBalancers tells of it; what it does not tell is left out. */
export function loadBalancerSettings(reply: Reply): LoadBalancerSettings {
  const { NetworkAttributes: internet, LoadBalancerPassToTarget: passToTarget } = reply;
  const maxBandwidthMbps = isObject(internet) ? optionalNumber(internet, 'InternetMaxBandwidthOut', 0) : 0;
  return {
    securityGroups: stringList(reply, 'SecureGroups'),
    ...(typeof passToTarget === 'boolean' && { passToTarget }),
    ...(maxBandwidthMbps > 0 && { maxBandwidthMbps }),
    deleteProtected: stringList(reply, 'AttributeFlags').includes('DeleteProtect'),
  };
}
