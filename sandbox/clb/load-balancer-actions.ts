import { ClbError } from './clb-error.ts';
import { flag, integer, list, object, oneOf, text } from './parameters.ts';
import { type Action, type ActionContext, action, type Plan, writableLoadBalancer } from './plan.ts';
import type { Change, ClbState, LoadBalancer, Tag } from './state.ts';
import { removeListener } from './state.ts';
import type { Task } from './task-table.ts';

/** The guard against mass deletion: this many in this time. */
const DELETIONS_MAX = 30;
const DELETIONS_WINDOW_MS = 300_000;
/** More targets than this need `ForceDelete`. */
const GUARDED_TARGETS = 20;

const tag = object({ required: { TagKey: text({ minLength: 1 }), TagValue: text() }, optional: {} });

const createParameters = object({
  required: { LoadBalancerType: oneOf('OPEN', 'INTERNAL') },
  optional: {
    Forward: integer(1, 1),
    LoadBalancerName: text({ minLength: 1, maxLength: 80 }),
    VpcId: text(),
    SubnetId: text(),
    AddressIPVersion: oneOf('IPV4'),
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
    'MasterZoneId',
    'ZoneId',
    'VipIsp',
    'BandwidthPackageId',
    'ExclusiveCluster',
    'SlaType',
    'ClusterIds',
    'SnatPro',
    'SnatIps',
    'ClusterTag',
    'SlaveZoneId',
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
export function loadBalancerActions(): Readonly<Record<string, Action>> {
  const orders = new Map<string, Order>();
  return {
    CreateLoadBalancer: action(createParameters, (context, parameters) =>
      createLoadBalancers(context, parameters, orders),
    ),
    DeleteLoadBalancer: action(deleteParameters, deleteLoadBalancers),
  };
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
  if (!isInternal && parameters.SubnetId !== undefined) {
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
  context.state.loadBalancers.set(id, {
    id,
    name: isTaken ? id : wantedName,
    type: parameters.LoadBalancerType,
    vpcId: parameters.VpcId ?? context.settings.vpcId ?? 'vpc-default',
    subnetId: parameters.SubnetId ?? '',
    tags: parameters.Tags ?? [],
    createdAt: context.wallNow,
    deleteProtected: false,
    status: 'ordered',
    vip: '',
    operating: false,
    busyUntil: 0,
    listeners: new Map(),
  });
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

const deleteParameters = object({
  required: { LoadBalancerIds: list(text(), 1, 20) },
  optional: { ForceDelete: flag },
});

function deleteLoadBalancers(context: ActionContext, parameters: ReturnType<typeof deleteParameters>): Plan {
  const ids = [...new Set(parameters.LoadBalancerIds)];
  const loadBalancers = ids.map(id => writableLoadBalancer(context, id, 'plain'));
  for (const loadBalancer of loadBalancers) checkGuards(loadBalancer, parameters.ForceDelete ?? false);
  checkFrequency(context, loadBalancers.length);
  return {
    kind: 'write',
    locks: loadBalancers,
    size: 1,
    answersWhen: 'accepted',
    answer: {},
    steps: [
      {
        afterMs: context.settings.latency.deleteLoadBalancerMs,
        apply: () => loadBalancers.flatMap(loadBalancer => removeLoadBalancer(context, loadBalancer)),
      },
    ],
  };
}

function checkGuards(loadBalancer: LoadBalancer, isForced: boolean): void {
  if (loadBalancer.deleteProtected) {
    throw new ClbError('OperationDenied', `${loadBalancer.id} is delete-protected; switch the protection off first.`);
  }
  const targets = [...loadBalancer.listeners.values()].reduce((sum, listener) => sum + listener.targets.size, 0);
  if (targets >= GUARDED_TARGETS && !isForced) {
    throw new ClbError('FailedOperation.TargetNumCheckRisk', `${loadBalancer.id} still has ${targets} targets bound.`);
  }
}

function checkFrequency(context: ActionContext, wanted: number): void {
  const recent = context.state.deletions.filter(at => at > context.now - DELETIONS_WINDOW_MS);
  if (recent.length + wanted >= DELETIONS_MAX) {
    throw new ClbError('FailedOperation.FrequencyCheckRisk', `${DELETIONS_MAX} or more deletions in 5 minutes.`);
  }
  context.state.deletions.splice(0, Number.POSITIVE_INFINITY, ...recent, ...Array<number>(wanted).fill(context.now));
}

function removeLoadBalancer(context: ActionContext, loadBalancer: LoadBalancer): readonly Change[] {
  const changes = [...loadBalancer.listeners.values()].flatMap(listener => removeListener(loadBalancer, listener));
  context.state.loadBalancers.delete(loadBalancer.id);
  context.state.giveVipBack(loadBalancer.vip);
  return [...changes, { kind: 'load-balancer-deleted', loadBalancerId: loadBalancer.id, vip: loadBalancer.vip }];
}

/** A load balancer as someone else made it, for tests and demonstrations of existing ones. */
export interface LoadBalancerSeed {
  readonly id?: string;
  readonly name?: string;
  readonly vpcId?: string;
  readonly tags?: readonly Tag[];
  readonly deleteProtected?: boolean;
}

/** Puts a running load balancer there at once. */
export function seedLoadBalancer(state: ClbState, seed: LoadBalancerSeed, wallNow: number): LoadBalancer {
  const id = seed.id ?? state.newId('lb');
  const loadBalancer: LoadBalancer = {
    id,
    name: seed.name ?? id,
    type: 'OPEN',
    vpcId: seed.vpcId ?? 'vpc-default',
    subnetId: '',
    tags: seed.tags ?? [],
    createdAt: wallNow,
    deleteProtected: seed.deleteProtected ?? false,
    status: 'running',
    vip: state.takeVip(),
    operating: false,
    busyUntil: 0,
    listeners: new Map(),
  };
  state.loadBalancers.set(id, loadBalancer);
  return loadBalancer;
}
