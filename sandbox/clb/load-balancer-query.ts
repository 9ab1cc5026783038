import { ClbError } from './clb-error.ts';
import { integer, list, object, oneOf, text } from './parameters.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import { cloudTime, type Filters, filters, read } from './query.ts';
import type { LoadBalancer } from './state.ts';

const loadBalancersParameters = object({
  required: {},
  optional: {
    LoadBalancerIds: list(text(), 0, 20),
    LoadBalancerType: oneOf('OPEN', 'INTERNAL'),
    LoadBalancerName: text(),
    LoadBalancerVips: list(text(), 0, 100),
    VpcId: text(),
    Offset: integer(0, Number.MAX_SAFE_INTEGER),
    Limit: integer(1, 100),
    Forward: integer(-1, 1),
    Filters: filters,
  },
  unmodelled: [
    'Domain',
    'BackendPublicIps',
    'BackendPrivateIps',
    'OrderBy',
    'OrderType',
    'SearchKey',
    'ProjectId',
    'WithRs',
    'SecurityGroup',
    'MasterZone',
    'AdditionalFields',
  ],
});

type LoadBalancersParameters = ReturnType<typeof loadBalancersParameters>;

function describeLoadBalancers(context: ActionContext, parameters: LoadBalancersParameters): Plan {
  const matchers = (parameters.Filters ?? []).map(loadBalancerMatcher);
  return read(() => {
    const found = candidates(context, parameters.LoadBalancerIds ?? [])
      .filter(({ status }) => status !== 'ordered')
      .filter(loadBalancer => isAskedFor(loadBalancer, parameters))
      .filter(loadBalancer => matchers.every(matches => matches(loadBalancer)));
    const offset = parameters.Offset ?? 0;
    const page = found.slice(offset, offset + (parameters.Limit ?? 20));
    return { TotalCount: found.length, LoadBalancerSet: page.map(describedLoadBalancer) };
  });
}

/** Those named, or all: an account has thousands, and most reads ask for a few. */
function candidates(context: ActionContext, ids: readonly string[]): LoadBalancer[] {
  if (ids.length === 0) return [...context.view.all()];
  return [...new Set(ids)].map(id => context.view.find(id)).filter(found => found !== undefined);
}

function isAskedFor(loadBalancer: LoadBalancer, parameters: LoadBalancersParameters): boolean {
  const { LoadBalancerVips: vips, LoadBalancerType: type, VpcId: vpcId } = parameters;
  return (
    (vips === undefined || vips.length === 0 || shownVips(loadBalancer).some(vip => vips.includes(vip))) &&
    (type === undefined || type === loadBalancer.type) &&
    (vpcId === undefined || vpcId === loadBalancer.vpcId) &&
    loadBalancer.name.includes(parameters.LoadBalancerName ?? '')
  );
}

function loadBalancerMatcher(filter: Filters[number]): (loadBalancer: LoadBalancer) => boolean {
  if (filter.Name === 'tag-key') return ({ tags }) => tags.some(tag => filter.Values.includes(tag.TagKey));
  if (filter.Name.startsWith('tag:')) {
    const key = filter.Name.slice('tag:'.length);
    return ({ tags }) => tags.some(tag => tag.TagKey === key && filter.Values.includes(tag.TagValue));
  }
  throw new ClbError('InvalidParameterValue.InvalidFilter', `The filter ${filter.Name} is not valid.`);
}

function describedLoadBalancer(loadBalancer: LoadBalancer): Record<string, unknown> {
  return {
    LoadBalancerId: loadBalancer.id,
    LoadBalancerName: loadBalancer.name,
    LoadBalancerType: loadBalancer.type,
    Forward: 1,
    Domain: loadBalancer.domain,
    LoadBalancerDomain: loadBalancer.domain,
    LoadBalancerVips: shownVips(loadBalancer),
    AddressIPv6: loadBalancer.ipv6Vip,
    Status: loadBalancer.status === 'running' ? 1 : 0,
    CreateTime: cloudTime(loadBalancer.createdAt),
    VpcId: loadBalancer.vpcId,
    SubnetId: loadBalancer.subnetId,
    AddressIPVersion: loadBalancer.ipv6Vip === '' ? 'ipv4' : 'ipv6',
    Tags: loadBalancer.tags,
    ...described(loadBalancer),
    SnatPro: false,
    TargetRegionInfo: null,
    AttributeFlags: loadBalancer.deleteProtected ? ['DeleteProtect'] : [],
  };
}

function described({ attributes, type }: LoadBalancer): Record<string, unknown> {
  const { securityGroups, passToTarget, internet, addressVersion, shown } = attributes;
  return {
    ...shown,
    SecureGroups: securityGroups,
    LoadBalancerPassToTarget: passToTarget,
    ...(type === 'OPEN' && { NetworkAttributes: internet }),
    ...(addressVersion !== 'IPV4' && { IPv6Mode: addressVersion === 'IPV6' ? 'IPv6Nat64' : 'IPv6FullChain' }),
  };
}

function shownVips({ vip, vipShown }: LoadBalancer): readonly string[] {
  return vip === '' || !vipShown ? [] : [vip];
}

export const loadBalancerQueries: Readonly<Record<string, Action>> = {
  DescribeLoadBalancers: action(loadBalancersParameters, describeLoadBalancers),
};
