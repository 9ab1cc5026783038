import { loadBalancerSettings } from './load-balancer-settings.ts';
import {
  isObject,
  malformed,
  numberField,
  objectList,
  optionalNumber,
  optionalString,
  type Reply,
  stringField,
  stringList,
} from './reply-fields.ts';
import { forwardingSettings, listenerSettings, redirectTarget } from './setting-replies.ts';
import type { BatchOutcome, Binding, Listener, LoadBalancer, Quota, TargetHealth } from './types.ts';

/** What CLB's replies say. Each throws MalformedReplyError when the reply is not what the API promises. */

const STATUS_RUNNING = 1;

export interface Page<T> {
  readonly items: readonly T[];
  /** Over all pages. */
  readonly totalCount: number;
}

export function loadBalancerPage(reply: Reply): Page<LoadBalancer> {
  return {
    items: objectList(reply, 'LoadBalancerSet').map(loadBalancer),
    totalCount: numberField(reply, 'TotalCount'),
  };
}

function loadBalancer(reply: Reply): LoadBalancer {
  const addresses = [...stringList(reply, 'LoadBalancerVips'), optionalString(reply, 'AddressIPv6')];
  return {
    id: stringField(reply, 'LoadBalancerId'),
    name: optionalString(reply, 'LoadBalancerName'),
    internal: optionalString(reply, 'LoadBalancerType') === 'INTERNAL',
    running: reply.Status === STATUS_RUNNING,
    virtualAddresses: addresses.filter(address => address !== ''),
    addressFamily: optionalString(reply, 'IPv6Mode') === 'IPv6FullChain' ? 'IPv6' : 'IPv4',
    domain: optionalString(reply, 'LoadBalancerDomain') || optionalString(reply, 'Domain'),
    vpcId: optionalString(reply, 'VpcId'),
    tags: Object.fromEntries(
      objectList(reply, 'Tags').map(tag => [stringField(tag, 'TagKey'), optionalString(tag, 'TagValue')]),
    ),
    deleteProtected: stringList(reply, 'AttributeFlags').includes('DeleteProtect'),
    settings: loadBalancerSettings(reply),
  };
}

export function listeners(reply: Reply): Listener[] {
  return objectList(reply, 'Listeners').map(listener => ({
    id: stringField(listener, 'ListenerId'),
    name: optionalString(listener, 'ListenerName'),
    protocol: stringField(listener, 'Protocol'),
    port: numberField(listener, 'Port'),
    healthCheck: isObject(listener.HealthCheck) && listener.HealthCheck.HealthSwitch === 1,
    settings: listenerSettings(listener),
    ...rescheduling(listener),
    forwardingRules: objectList(listener, 'Rules').map(rule => ({
      locationId: stringField(rule, 'LocationId'),
      // A rule of several domains is known by its first.
      domain: optionalString(rule, 'Domain') || (stringList(rule, 'Domains')[0] ?? ''),
      url: optionalString(rule, 'Url'),
      settings: forwardingSettings(rule),
      ...redirectTarget(rule),
    })),
  }));
}

function rescheduling(listener: Reply): Pick<Listener, 'rescheduleSeconds'> {
  const rescheduleSeconds = optionalNumber(listener, 'RescheduleInterval', 0);
  return rescheduleSeconds > 0 ? { rescheduleSeconds } : {};
}

/** With the defaults that the documentation gives, for when CLB does not tell. */
const QUOTAS = {
  listenersPerLoadBalancer: { id: 'TOTAL_LISTENER_QUOTA', byDefault: 50 },
  forwardingRulesPerListener: { id: 'TOTAL_LISTENER_RULE_QUOTA', byDefault: 50 },
  targetsPerRule: { id: 'TOTAL_TARGET_BIND_QUOTA', byDefault: 100 },
} as const;

export function quota(reply: Reply): Quota {
  const entries = objectList(reply, 'QuotaSet');
  const limitOf = ({ id, byDefault }: { readonly id: string; readonly byDefault: number }) => {
    const entry = entries.find(candidate => candidate.QuotaId === id);
    return entry ? optionalNumber(entry, 'QuotaLimit', byDefault) : byDefault;
  };
  return {
    listenersPerLoadBalancer: limitOf(QUOTAS.listenersPerLoadBalancer),
    forwardingRulesPerListener: limitOf(QUOTAS.forwardingRulesPerListener),
    targetsPerRule: limitOf(QUOTAS.targetsPerRule),
  };
}

/** Layer 4 listeners carry their targets themselves, layer 7 ones carry them in their rules. */
export function bindings(reply: Reply): Binding[] {
  return objectList(reply, 'Listeners').flatMap(listener => {
    const listenerId = stringField(listener, 'ListenerId');
    return [listener, ...objectList(listener, 'Rules')].flatMap(holder => {
      const locationId = optionalString(holder, 'LocationId');
      return objectList(holder, 'Targets').map(target => binding(target, listenerId, locationId));
    });
  });
}

function binding(target: Reply, listenerId: string, locationId: string): Binding {
  const [address] = stringList(target, 'PrivateIpAddresses');
  return {
    listenerId,
    locationId,
    // An instance without a private address is none of ours; its id keeps it apart from the others.
    address: address === undefined ? optionalString(target, 'InstanceId') : canonicalAddress(address),
    port: numberField(target, 'Port'),
    weight: numberField(target, 'Weight'),
    tag: optionalString(target, 'Tag'),
    ...(target.Type === 'CVM' && { instanceId: stringField(target, 'InstanceId') }),
  };
}

/** As Kubernetes writes it: of an IPv6 address there are many spellings. */
function canonicalAddress(address: string): string {
  const url = address.includes(':') ? URL.parse(`http://[${address}]`) : null;
  return url ? url.hostname.slice(1, -1) : address;
}

/**
 * On layer 4 the targets stand in one rule without id. `TargetId` does not tell whether a target is bound as an instance,
 * since an ENI's target may carry the id of its instance as well.
 */
export function targetHealth(reply: Reply): TargetHealth[] {
  return objectList(reply, 'LoadBalancers').flatMap(balancer =>
    objectList(balancer, 'Listeners').flatMap(listener => {
      const loadBalancerId = stringField(balancer, 'LoadBalancerId');
      const listenerId = stringField(listener, 'ListenerId');
      return objectList(listener, 'Rules').flatMap(rule =>
        objectList(rule, 'Targets').map(target => ({
          loadBalancerId,
          listenerId,
          locationId: optionalString(rule, 'LocationId'),
          address: canonicalAddress(optionalString(target, 'IP')) || stringField(target, 'TargetId'),
          port: numberField(target, 'Port'),
          weight: numberField(target, 'Weight'),
          health: health(target),
        })),
      );
    }),
  );
}

function health(target: Reply): TargetHealth['health'] {
  const detail = stringField(target, 'HealthStatusDetail');
  switch (detail) {
    case 'Alive':
      return 'healthy';
    case 'Dead':
      return 'unhealthy';
    case 'Close':
      return 'closed';
    // `Unknown`, or a word that CLB did not have when this was written: then the other targets still count.
    default:
      return 'unknown';
  }
}

export function batchOutcome(reply: Reply): BatchOutcome {
  return { failedListenerIds: stringList(reply, 'FailListenerIdSet'), message: optionalString(reply, 'Message') };
}

export function locationIds(reply: Reply, count: number): string[] {
  const ids = stringList(reply, 'LocationIds');
  return ids.length === count ? ids : malformed('LocationIds', `${count} ids`, ids);
}

export function listenerIds(reply: Reply, count: number): string[] {
  const ids = stringList(reply, 'ListenerIds');
  return ids.length === count ? ids : malformed('ListenerIds', `${count} ids`, ids);
}

export function requestId(reply: Reply): string {
  return stringField(reply, 'RequestId');
}

/** A creation names what it makes either in its own reply or in that of its task. */
export function loadBalancerIds(reply: Reply): string[] {
  return stringList(reply, 'LoadBalancerIds');
}

export interface TaskStatus {
  readonly state: 'succeeded' | 'failed' | 'running';
  readonly message: string;
}

const TASK_STATES = ['succeeded', 'failed', 'running'] as const;

export function taskStatus(reply: Reply): TaskStatus {
  const state = TASK_STATES[numberField(reply, 'Status')];
  return { state: state ?? malformed('Status', '0, 1 or 2', reply.Status), message: optionalString(reply, 'Message') };
}
