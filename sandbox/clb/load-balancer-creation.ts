import { ClbError } from './clb-error.ts';
import { domainOf, newLoadBalancer, PLAIN_ATTRIBUTES } from './new-load-balancer.ts';
import { flag, integer, list, object, oneOf, text } from './parameters.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import type { Change, ClbState, LoadBalancerAttributes } from './state.ts';
import type { Task } from './task-table.ts';

const tag = object({ required: { TagKey: text({ minLength: 1 }), TagValue: text() }, optional: {} });

/** Kept and shown, without any effect here. */
const SHOWN = {
  MasterZoneId: text({ minLength: 1 }),
  SlaveZoneId: text({ minLength: 1 }),
  ZoneId: text({ minLength: 1 }),
  VipIsp: oneOf('BGP', 'CMCC', 'CTCC', 'CUCC'),
  BandwidthPackageId: text({ minLength: 1 }),
  SlaType: text({ minLength: 1 }),
};

const createParameters = object({
  required: { LoadBalancerType: oneOf('OPEN', 'INTERNAL') },
  optional: {
    Forward: integer(1, 1),
    LoadBalancerName: text({ minLength: 1, maxLength: 80 }),
    VpcId: text(),
    SubnetId: text(),
    AddressIPVersion: oneOf('IPV4', 'IPV6', 'IPv6FullChain'),
    ...SHOWN,
    Number: integer(1, 20),
    Tags: list(tag, 0, 20),
    Vip: text(),
    ClientToken: text({ maxLength: 64 }),
    LoadBalancerPassToTarget: flag,
    ProjectId: integer(0, Number.MAX_SAFE_INTEGER),
    InternetAccessible: object({
      required: {},
      optional: {
        InternetChargeType: oneOf('TRAFFIC_POSTPAID_BY_HOUR', 'BANDWIDTH_POSTPAID_BY_HOUR', 'BANDWIDTH_PACKAGE'),
        InternetMaxBandwidthOut: integer(1, 61_440),
      },
    }),
  },
  unmodelled: [
    'ExclusiveCluster',
    'ClusterIds',
    'SnatPro',
    'SnatIps',
    'ClusterTag',
    'EipAddressId',
    'DynamicVip',
    'Egress',
    'LBChargePrepaid',
    'LBChargeType',
    'AccessLogTopicId',
    'AdvancedRoute',
    'AvailableZoneAffinityInfo',
  ],
});

type CreateParameters = ReturnType<typeof createParameters>;

/** What a `ClientToken` stands for; the same token never buys twice. */
interface Order {
  readonly fingerprint: string;
  readonly ids: readonly string[];
  readonly dealName: string;
  readonly task: Task;
}

/** One per server: remembers the orders by their `ClientToken`. */
export function createLoadBalancerAction(): Action {
  const orders = new Map<string, Order>();
  return action(createParameters, (context, parameters) => createLoadBalancers(context, parameters, orders));
}

function createLoadBalancers(context: ActionContext, parameters: CreateParameters, orders: Map<string, Order>): Plan {
  const token = parameters.ClientToken ?? '';
  const fingerprint = JSON.stringify(parameters);
  const earlier = token === '' ? undefined : orders.get(token);
  if (earlier) return repeatedOrder(context, earlier, fingerprint);
  checkPlacement(context, parameters);
  checkQuota(context, parameters);
  const ids = Array.from({ length: parameters.Number ?? 1 }, () => context.state.newId('lb'));
  const dealName = context.requestId.replaceAll('-', '');
  const creationMs = context.settings.latency.createLoadBalancerMs;
  return {
    kind: 'write',
    locks: [],
    size: 1,
    answersWhen: 'accepted',
    answer: { LoadBalancerIds: answersIds(context) ? ids : [], DealName: dealName },
    createdLoadBalancerIds: ids,
    steps: [
      {
        afterMs: 0,
        apply() {
          for (const id of ids) order(context, parameters, id);
          const task = context.tasks.find(context.requestId);
          context.tasks.alias(dealName, task);
          if (token !== '') orders.set(token, { fingerprint, ids, dealName, task });
          return [];
        },
      },
      { afterMs: creationMs / 2, apply: () => show(context.state, ids) },
      { afterMs: creationMs, apply: () => run(context.state, ids, parameters.Vip) },
    ],
  };
}

function repeatedOrder(context: ActionContext, order: Order, fingerprint: string): Plan {
  if (order.fingerprint !== fingerprint) {
    throw new ClbError('InvalidParameter.ClientTokenLimitExceeded', 'The ClientToken was used by a different request.');
  }
  return {
    kind: 'read',
    answer() {
      context.tasks.alias(context.requestId, order.task);
      return { LoadBalancerIds: order.task.status === 0 ? order.ids : [], DealName: order.dealName };
    },
  };
}

function answersIds(context: ActionContext): boolean {
  switch (context.settings.manners.createAnswersIds) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'sometimes':
      return context.random.next() < 0.5;
  }
}

function checkPlacement(context: ActionContext, parameters: CreateParameters): void {
  const { vpcId } = context.settings;
  const isInternal = parameters.LoadBalancerType === 'INTERNAL';
  for (const name of isInternal ? (['VpcId', 'SubnetId'] as const) : []) {
    if (parameters[name] === undefined) {
      throw new ClbError('MissingParameter', `An INTERNAL load balancer needs the parameter \`${name}\`.`);
    }
  }
  const isFullChain = parameters.AddressIPVersion === 'IPv6FullChain';
  if (isFullChain && parameters.SubnetId === undefined) {
    throw new ClbError('MissingParameter', 'An IPv6FullChain load balancer needs the parameter `SubnetId`.');
  }
  if (isInternal && parameters.InternetAccessible !== undefined) {
    throw new ClbError('InvalidParameter', 'InternetAccessible is not allowed for an INTERNAL load balancer.');
  }
  if (!isInternal && !isFullChain && parameters.SubnetId !== undefined) {
    throw new ClbError('InvalidParameter', 'SubnetId is not allowed for an OPEN IPv4 load balancer.');
  }
  if (vpcId !== undefined && parameters.VpcId !== undefined && parameters.VpcId !== vpcId) {
    throw new ClbError('InvalidParameterValue', `VpcId ${parameters.VpcId} not exists.`);
  }
}

function checkQuota(context: ActionContext, parameters: CreateParameters): void {
  const { quota } = context.settings;
  const type = parameters.LoadBalancerType;
  const limit = type === 'OPEN' ? quota.openLoadBalancers : quota.internalLoadBalancers;
  const owned = [...context.state.loadBalancers.values()];
  const wanted = parameters.Number ?? 1;
  if (owned.filter(candidate => candidate.type === type).length + wanted > limit) {
    throw new ClbError('LimitExceeded', `The quota of ${limit} ${type} load balancers is used up.`);
  }
  const pending = owned.filter(candidate => candidate.vip === '').length;
  if (context.state.freeVips() - pending < wanted) throw new ClbError('ResourceInsufficient', 'No free VIP is left.');
}

function order(context: ActionContext, parameters: CreateParameters, id: string): void {
  const wantedName = parameters.LoadBalancerName ?? id;
  const isTaken = [...context.state.loadBalancers.values()].some(({ name }) => name === wantedName);
  const { loadBalancerAddress } = context.settings.manners;
  const loadBalancer = newLoadBalancer(id, context.wallNow, {
    name: isTaken ? id : wantedName,
    type: parameters.LoadBalancerType,
    vpcId: parameters.VpcId ?? context.settings.vpcId ?? 'vpc-default',
    subnetId: parameters.SubnetId ?? '',
    tags: parameters.Tags ?? [],
    domain: loadBalancerAddress === 'vip' ? '' : domainOf(id),
    vipShown: loadBalancerAddress !== 'domain',
    ipv6Vip: (parameters.AddressIPVersion ?? 'IPV4') === 'IPV4' ? '' : ipv6Of(id),
    attributes: attributesOf(parameters),
  });
  context.state.loadBalancers.set(id, loadBalancer);
}

function attributesOf(parameters: CreateParameters): LoadBalancerAttributes {
  const { internet } = PLAIN_ATTRIBUTES;
  const shown = Object.keys(SHOWN).map(name => [name, parameters[name as keyof typeof SHOWN]] as const);
  return {
    ...PLAIN_ATTRIBUTES,
    passToTarget: parameters.LoadBalancerPassToTarget ?? false,
    internet: { ...internet, ...parameters.InternetAccessible },
    addressVersion: parameters.AddressIPVersion ?? 'IPV4',
    shown: Object.fromEntries(shown.filter(([, value]) => value !== undefined)),
  };
}

/** Of a documentation range; nothing listens there. */
function ipv6Of(id: string): string {
  const digits = [...id].map(character => character.charCodeAt(0).toString(16)).join('');
  return `2001:db8::${digits.slice(-8, -4)}:${digits.slice(-4)}`;
}

/** Half-way through the creation a read shows it, without an address. */
function show(state: ClbState, ids: readonly string[]): readonly Change[] {
  for (const id of ids) {
    const loadBalancer = state.loadBalancers.get(id);
    if (loadBalancer) loadBalancer.status = 'creating';
  }
  return [];
}

function run(state: ClbState, ids: readonly string[], wantedVip: string | undefined): readonly Change[] {
  return ids.flatMap(id => {
    const loadBalancer = state.loadBalancers.get(id);
    if (!loadBalancer) return [];
    loadBalancer.vip = state.takeVip(wantedVip);
    loadBalancer.status = 'running';
    return [{ kind: 'load-balancer-created' as const, loadBalancerId: id, vip: loadBalancer.vip }];
  });
}
