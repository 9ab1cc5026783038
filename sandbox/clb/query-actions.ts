import { ClbError } from './clb-error.ts';
import { describedHealthCheck } from './health-check-parameters.ts';
import { integer, list, object, oneOf, text } from './parameters.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import { type Listener, type LoadBalancer, type Target, targetKey } from './state.ts';

const filters = list(object({ required: { Name: text(), Values: list(text(), 1, 100) }, optional: {} }), 0, 10);

type Filters = ReturnType<typeof filters>;

function read(answer: () => Record<string, unknown>): Plan {
  return { kind: 'read', answer };
}

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
    const found = [...context.state.loadBalancers.values()]
      .filter(({ status }) => status !== 'ordered')
      .filter(loadBalancer => isAskedFor(loadBalancer, parameters))
      .filter(loadBalancer => matchers.every(matches => matches(loadBalancer)));
    const offset = parameters.Offset ?? 0;
    const page = found.slice(offset, offset + (parameters.Limit ?? 20));
    return { TotalCount: found.length, LoadBalancerSet: page.map(describedLoadBalancer) };
  });
}

function isAskedFor(loadBalancer: LoadBalancer, parameters: LoadBalancersParameters): boolean {
  const { LoadBalancerIds: ids, LoadBalancerVips: vips, LoadBalancerType: type, VpcId: vpcId } = parameters;
  return (
    (ids === undefined || ids.length === 0 || ids.includes(loadBalancer.id)) &&
    (vips === undefined || vips.length === 0 || vips.includes(loadBalancer.vip)) &&
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
    Domain: '',
    LoadBalancerDomain: '',
    LoadBalancerVips: loadBalancer.vip === '' ? [] : [loadBalancer.vip],
    Status: loadBalancer.status === 'running' ? 1 : 0,
    CreateTime: cloudTime(loadBalancer.createdAt),
    VpcId: loadBalancer.vpcId,
    SubnetId: loadBalancer.subnetId,
    AddressIPVersion: 'ipv4',
    Tags: loadBalancer.tags,
    SecureGroups: [],
    LoadBalancerPassToTarget: false,
    SnatPro: false,
    TargetRegionInfo: null,
    AttributeFlags: loadBalancer.deleteProtected ? ['DeleteProtect'] : [],
  };
}

/** `2026-01-31 08:00:00`, as the API writes moments (Beijing time). */
function cloudTime(wallMs: number): string {
  const beijingOffsetMs = 8 * 3_600_000;
  return new Date(wallMs + beijingOffsetMs).toISOString().slice(0, 19).replace('T', ' ');
}

const listenersParameters = object({
  required: { LoadBalancerId: text() },
  optional: { ListenerIds: list(text(), 0, 100), Protocol: text(), Port: integer(1, 65_535) },
});

/** The listeners that a read names by id, or by protocol and port; all of them when it names none. */
interface ListenerSelection {
  readonly LoadBalancerId: string;
  readonly ListenerIds?: readonly string[];
  readonly Protocol?: string;
  readonly Port?: number;
}

function selectedListeners(context: ActionContext, selection: ListenerSelection): Listener[] {
  const { ListenerIds: ids, Protocol: protocol, Port: port } = selection;
  return [...context.state.loadBalancer(selection.LoadBalancerId).listeners.values()].filter(
    ({ settings }) =>
      (ids === undefined || ids.length === 0 || ids.includes(settings.id)) &&
      (protocol === undefined || protocol === settings.protocol) &&
      (port === undefined || port === settings.port),
  );
}

function describeListeners(context: ActionContext, parameters: ReturnType<typeof listenersParameters>): Plan {
  return read(() => {
    const listeners = selectedListeners(context, parameters).map(describedListener);
    return { Listeners: listeners, TotalCount: listeners.length };
  });
}

function describedListener({ settings }: Listener): Record<string, unknown> {
  return {
    ListenerId: settings.id,
    ListenerName: settings.name,
    Protocol: settings.protocol,
    Port: settings.port,
    EndPort: 0,
    Scheduler: settings.scheduler,
    SessionExpireTime: settings.sessionExpireSeconds,
    SessionType: 'NORMAL',
    HealthCheck: describedHealthCheck(settings.healthCheck, settings.protocol),
    Certificate: null,
    Rules: null,
    SniSwitch: 0,
    TargetType: 'NODE',
    KeepaliveEnable: 0,
    DeregisterTargetRst: false,
    AttrFlags: [],
    CreateTime: cloudTime(settings.createdAt),
  };
}

const targetsParameters = object({
  required: { LoadBalancerId: text() },
  optional: { ListenerIds: list(text(), 0, 20), Protocol: text(), Port: integer(1, 65_535), Filters: filters },
});

function describeTargets(context: ActionContext, parameters: ReturnType<typeof targetsParameters>): Plan {
  const matchers = (parameters.Filters ?? []).map(targetMatcher);
  return read(() => ({
    Listeners: selectedListeners(context, parameters).map(({ settings, targets }) => ({
      ListenerId: settings.id,
      Protocol: settings.protocol,
      Port: settings.port,
      EndPort: null,
      Rules: null,
      Targets: [...targets.values()]
        .filter(target => matchers.every(matches => matches(target)))
        .map(target => describedTarget(target, context.settings.manners.tagsReturned)),
    })),
  }));
}

function targetMatcher(filter: Filters[number]): (target: Target) => boolean {
  switch (filter.Name) {
    case 'private-ip-address':
      return target => filter.Values.includes(target.address);
    case 'tag':
      return target => filter.Values.includes(target.tag);
    case 'location-id':
      return () => false;
    default:
      throw new ClbError('InvalidParameterValue.InvalidFilter', `The filter ${filter.Name} is not valid.`);
  }
}

function describedTarget(target: Target, tagsReturned: boolean): Record<string, unknown> {
  return {
    Type: 'ENI',
    InstanceId: '',
    InstanceName: null,
    EniId: 'eni-sandbox',
    Port: target.port,
    Weight: target.weight,
    PrivateIpAddresses: [target.address],
    PublicIpAddresses: [],
    RegisteredTime: cloudTime(target.registeredAt),
    ...(tagsReturned ? { Tag: target.tag } : {}),
  };
}

const healthParameters = object({
  required: { LoadBalancerIds: list(text(), 1, 30) },
  optional: { ListenerIds: list(text(), 0, 100) },
  unmodelled: ['LocationIds'],
});

function describeTargetHealth(context: ActionContext, parameters: ReturnType<typeof healthParameters>): Plan {
  return read(() => ({
    LoadBalancers: parameters.LoadBalancerIds.map(id => ({
      LoadBalancerId: id,
      LoadBalancerName: context.state.loadBalancer(id).name,
      Listeners: selectedListeners(context, {
        LoadBalancerId: id,
        ...(parameters.ListenerIds ? { ListenerIds: parameters.ListenerIds } : {}),
      }).map(listener => describedHealth(context, listener)),
    })),
  }));
}

function describedHealth(context: ActionContext, { settings, targets }: Listener): Record<string, unknown> {
  const described = [...targets.values()].map(target => {
    const status = context.health({ listenerId: settings.id, locationId: '' }, targetKey(target));
    return {
      IP: target.address,
      Port: target.port,
      TargetId: 'eni-sandbox',
      HealthStatus: status === 'Alive',
      HealthStatusDetail: status,
      HealthStatusDetial: status,
      TargetGroupId: '',
      Weight: target.weight,
    };
  });
  return {
    ListenerId: settings.id,
    ListenerName: settings.name,
    Protocol: settings.protocol,
    Port: settings.port,
    Rules: [{ LocationId: '', Domain: '', Url: '', Targets: described }],
  };
}

const taskParameters = object({ required: {}, optional: { TaskId: text(), DealName: text() } });

function describeTaskStatus(context: ActionContext, parameters: ReturnType<typeof taskParameters>): Plan {
  const name = parameters.TaskId ?? parameters.DealName;
  if (name === undefined) throw new ClbError('InvalidParameter', 'One of TaskId and DealName must be given.');
  return read(() => {
    const task = context.tasks.find(name);
    return { Status: task.status, Message: task.message, LoadBalancerIds: task.loadBalancerIds };
  });
}

function describeQuota(context: ActionContext): Plan {
  const { quota } = context.settings;
  const limits = {
    TOTAL_OPEN_CLB_QUOTA: quota.openLoadBalancers,
    TOTAL_INTERNAL_CLB_QUOTA: quota.internalLoadBalancers,
    TOTAL_LISTENER_QUOTA: quota.listenersPerLoadBalancer,
    TOTAL_LISTENER_RULE_QUOTA: 50,
    TOTAL_TARGET_BIND_QUOTA: quota.targetsPerListener,
    TOTAL_SNAT_IP_QUOTA: 10,
    TOTAL_ISP_CLB_QUOTA: 15,
    TOTAL_FULL_PORT_RANGE_LISTENER_QUOTA: 1,
  };
  return read(() => ({
    QuotaSet: Object.entries(limits).map(([id, limit]) => ({ QuotaId: id, QuotaCurrent: null, QuotaLimit: limit })),
  }));
}

export const queryActions: Readonly<Record<string, Action>> = {
  DescribeLoadBalancers: action(loadBalancersParameters, describeLoadBalancers),
  DescribeListeners: action(listenersParameters, describeListeners),
  DescribeTargets: action(targetsParameters, describeTargets),
  DescribeTargetHealth: action(healthParameters, describeTargetHealth),
  DescribeTaskStatus: action(taskParameters, describeTaskStatus),
  DescribeQuota: action(object({ required: {}, optional: {} }), describeQuota),
};
