import { ClbError } from './clb-error.ts';
import { integer, ipAddress, list, object, text } from './parameters.ts';
import { type FoundPlace, isLayerSeven, placesOf } from './place.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import { cloudTime, type Filters, filters, read, selectedListeners } from './query.ts';
import type { Listener, LoadBalancer, Target } from './state.ts';

const targetsParameters = object({
  required: { LoadBalancerId: text() },
  optional: { ListenerIds: list(text(), 0, 20), Protocol: text(), Port: integer(1, 65_535), Filters: filters },
});

/** Whether a target of a place is asked for. */
type Matcher = (target: Target, place: FoundPlace) => boolean;

function describeTargets(context: ActionContext, parameters: ReturnType<typeof targetsParameters>): Plan {
  const matchers = (parameters.Filters ?? []).map(targetMatcher);
  const { tagsReturned } = context.settings.manners;
  const matches: Matcher = (...asked) => matchers.every(matcher => matcher(...asked));
  const described = (target: Target) => describedTarget(target, tagsReturned);
  return read(() => ({
    Listeners: selectedListeners(context, parameters).map(listener => ({
      ...listenerFields(listener),
      ...targetFields(listener, matches, described),
    })),
  }));
}

function targetMatcher(filter: Filters[number]): Matcher {
  switch (filter.Name) {
    case 'private-ip-address':
      return target => filter.Values.includes(target.address);
    case 'tag':
      return target => filter.Values.includes(target.tag);
    case 'location-id':
      return (_, place) => filter.Values.includes(place.locationId);
    default:
      throw new ClbError('InvalidParameterValue.InvalidFilter', `The filter ${filter.Name} is not valid.`);
  }
}

function listenerFields({ settings }: Listener): Record<string, unknown> {
  return { ListenerId: settings.id, Protocol: settings.protocol, Port: settings.port, EndPort: null };
}

/** On layer 4 `Targets`, on layer 7 `Rules` with the targets of each. */
function targetFields(
  listener: Listener,
  matches: Matcher,
  described: (target: Target) => Record<string, unknown>,
): Record<string, unknown> {
  const places = placesOf(listener).map(place => ({
    place,
    targets: [...place.targets.values()].filter(target => matches(target, place)).map(described),
  }));
  if (!isLayerSeven(listener.settings.protocol))
    return { Rules: null, Targets: places.flatMap(({ targets }) => targets) };
  const rules = places.map(({ place, targets }) => ({ ...ruleFields(listener, place), Targets: targets }));
  return { Rules: rules, Targets: null };
}

function ruleFields(listener: Listener, { locationId }: FoundPlace): Record<string, unknown> {
  const settings = listener.rules.get(locationId)?.settings;
  return { LocationId: locationId, Domain: settings?.domain ?? '', Url: settings?.url ?? '' };
}

function describedTarget(target: Target, tagsReturned: boolean): Record<string, unknown> {
  return {
    Type: target.instanceId === undefined ? 'ENI' : 'CVM',
    InstanceId: target.instanceId ?? '',
    InstanceName: null,
    EniId: target.instanceId === undefined ? 'eni-sandbox' : null,
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
  optional: { ListenerIds: list(text(), 0, 100), LocationIds: list(text(), 0, 100) },
});

function describeTargetHealth(context: ActionContext, parameters: ReturnType<typeof healthParameters>): Plan {
  const { ListenerIds = [], LocationIds = [] } = parameters;
  const locationIds = new Set(LocationIds);
  return read(() => ({
    LoadBalancers: parameters.LoadBalancerIds.map(id => {
      const listeners = selectedListeners(context, { LoadBalancerId: id, ListenerIds });
      return {
        LoadBalancerId: id,
        LoadBalancerName: context.view.find(id)?.name,
        Listeners: listeners.map(listener => describedHealth(context, listener, locationIds)),
      };
    }),
  }));
}

/** A listener of layer 4 has one rule without a name. */
function describedHealth(
  context: ActionContext,
  listener: Listener,
  locationIds: ReadonlySet<string>,
): Record<string, unknown> {
  const { id, name, protocol, port } = listener.settings;
  const places = placesOf(listener).filter(({ locationId }) => locationIds.size === 0 || locationIds.has(locationId));
  const rules = places.map(place => ({
    ...ruleFields(listener, place),
    Targets: [...place.targets].map(([key, target]) => targetHealth(target, context.health(place, key))),
  }));
  return { ListenerId: id, ListenerName: name, Protocol: protocol, Port: port, Rules: rules };
}

function targetHealth(target: Target, status: string): Record<string, unknown> {
  return {
    IP: target.address,
    Port: target.port,
    TargetId: target.instanceId ?? 'eni-sandbox',
    HealthStatus: status === 'Alive',
    HealthStatusDetail: status,
    HealthStatusDetial: status,
    TargetGroupId: '',
    Weight: target.weight,
  };
}

const backendParameters = object({
  required: {
    Backends: list(object({ required: { VpcId: text(), PrivateIp: ipAddress }, optional: {} }), 1, 20),
  },
  optional: {},
});

/** Who has these addresses: looks through the whole account. */
function describeLBListeners(context: ActionContext, { Backends }: ReturnType<typeof backendParameters>): Plan {
  return read(() => ({
    LoadBalancers: [...context.view.all()].flatMap(loadBalancer => {
      const ofVpc = Backends.filter(({ VpcId }) => VpcId === loadBalancer.vpcId);
      const addresses = new Set(ofVpc.map(({ PrivateIp }) => PrivateIp));
      const listeners = addresses.size === 0 ? [] : listenersWith(loadBalancer, addresses);
      if (listeners.length === 0) return [];
      return [{ LoadBalancerId: loadBalancer.id, Vip: loadBalancer.vip, Listeners: listeners }];
    }),
  }));
}

function listenersWith(loadBalancer: LoadBalancer, addresses: ReadonlySet<string>): Record<string, unknown>[] {
  const isAsked = ({ address }: Target) => addresses.has(address);
  const holdsOne = (listener: Listener) =>
    placesOf(listener).some(({ targets }) => [...targets.values()].some(isAsked));
  const described = (target: Target) => ({
    Type: target.instanceId === undefined ? 'eni' : 'cvm',
    PrivateIp: target.address,
    Port: target.port,
    Weight: target.weight,
  });
  return [...loadBalancer.listeners.values()]
    .filter(holdsOne)
    .map(listener => ({ ...listenerFields(listener), ...targetFields(listener, isAsked, described) }));
}

export const targetQueries: Readonly<Record<string, Action>> = {
  DescribeTargets: action(targetsParameters, describeTargets),
  DescribeTargetHealth: action(healthParameters, describeTargetHealth),
  DescribeLBListeners: action(backendParameters, describeLBListeners),
};
