import assert from 'node:assert/strict';
import { creationParameters } from './load-balancer-settings.ts';
import { domainParameters, listenerParameters, ruleParameters } from './setting-parameters.ts';
import type {
  BindingKey,
  ForwardingRuleRequest,
  ListenerRequest,
  LoadBalancerRequest,
  NewBinding,
  TagChange,
  WeightChange,
} from './types.ts';

/** Parameters as the API wants them, and its limits per call. */

/** Of BatchRegisterTargets, BatchDeregisterTargets and, over all entries, BatchModifyTargetWeight and -Tag. */
const BATCH_TARGETS_MAX = 500;
/** Of BatchModifyTargetWeight; for BatchModifyTargetTag no other limits are published. */
const MODIFY_ENTRIES_MAX = 100;
const MODIFY_ENTRY_TARGETS_MAX = 50;
/** CreateListener refuses 50. */
export const CREATE_LISTENERS_MAX = 49;
export const DELETE_LISTENERS_MAX = 20;
/** Of CreateRule and DeleteRule. None is published, so the one that CLB was seen to have for CreateListener. */
export const RULES_MAX = 49;
/** Of DescribeTargetHealth. */
export const DESCRIBE_HEALTH_IDS_MAX = 30;
/** Of DescribeTargets and DescribeLoadBalancers. */
export const DESCRIBE_IDS_MAX = 20;
export const LOAD_BALANCER_PAGE_SIZE = 100;
const CLIENT_TOKEN_LENGTH_MAX = 64;

export function createLoadBalancerParameters(request: LoadBalancerRequest): object {
  assert(/^[\x21-\x7e]+$/.test(request.clientToken) && request.clientToken.length <= CLIENT_TOKEN_LENGTH_MAX);
  return {
    ...(request.settings && creationParameters(request.settings)),
    LoadBalancerType: request.subnetId === undefined ? 'OPEN' : 'INTERNAL',
    Forward: 1,
    LoadBalancerName: request.name,
    VpcId: request.vpcId,
    ...(request.subnetId !== undefined && { SubnetId: request.subnetId }),
    Number: 1,
    Tags: Object.entries(request.tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    ClientToken: request.clientToken,
  };
}

export function createListenerParameters(
  loadBalancerId: string,
  request: ListenerRequest,
  ports: readonly number[],
): object {
  return {
    LoadBalancerId: loadBalancerId,
    Ports: ports,
    Protocol: request.protocol,
    ListenerNames: ports.map(() => request.name),
    ...(request.protocol === 'HTTPS' && request.settings?.certificate === undefined && { SniSwitch: 1 }),
    ...listenerParameters(request.settings ?? {}),
  };
}

export function createRuleParameters(
  loadBalancerId: string,
  listenerId: string,
  rules: readonly ForwardingRuleRequest[],
): object {
  return {
    LoadBalancerId: loadBalancerId,
    ListenerId: listenerId,
    Rules: rules.map(rule => ({
      Domain: rule.domain,
      Url: rule.url,
      ...ruleParameters(rule.settings ?? {}),
      ...domainParameters(rule.settings ?? {}),
    })),
  };
}

export function tagFilters(tags: Readonly<Record<string, string>>): object[] {
  return Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
}

export function registerParameters(loadBalancerId: string, targets: readonly NewBinding[]): object {
  assertBatch(targets);
  return {
    LoadBalancerId: loadBalancerId,
    Targets: targets.map(target => ({ ...batchTarget(target), Weight: target.weight, Tag: target.tag })),
  };
}

export function deregisterParameters(loadBalancerId: string, targets: readonly BindingKey[]): object {
  assertBatch(targets);
  return { LoadBalancerId: loadBalancerId, Targets: targets.map(batchTarget) };
}

function batchTarget(target: BindingKey): object {
  return { ListenerId: target.listenerId, ...location(target), ...backend(target), Port: target.port };
}

function backend({ address, instanceId }: BindingKey): object {
  return instanceId === undefined ? { EniIp: address } : { InstanceId: instanceId };
}

/** Parameters of one request, and how many targets they name. */
export interface TargetsRequest {
  readonly parameters: object;
  readonly size: number;
}

/** One request unless the targets are spread over more than MODIFY_ENTRIES_MAX rules. */
export function modifyTagRequests(loadBalancerId: string, targets: readonly TagChange[]): TargetsRequest[] {
  return modifyRequests(loadBalancerId, targets, ({ tag }) => ({ Tag: tag }));
}

/** One request unless the targets are spread over more than MODIFY_ENTRIES_MAX rules. */
export function modifyWeightRequests(loadBalancerId: string, targets: readonly WeightChange[]): TargetsRequest[] {
  return modifyRequests(loadBalancerId, targets, ({ weight }) => ({ Weight: weight }));
}

/** What a target says counts before what its entry says, so an entry is all there is to say of a rule. */
function modifyRequests<Change extends BindingKey>(
  loadBalancerId: string,
  targets: readonly Change[],
  change: (target: Change) => object,
): TargetsRequest[] {
  assertBatch(targets);
  const byRule = Map.groupBy(targets, target => `${target.listenerId}/${target.locationId}`);
  const entries = [...byRule.values()].flatMap(rule => chunks(rule, MODIFY_ENTRY_TARGETS_MAX));
  return chunks(entries, MODIFY_ENTRIES_MAX).map(list => ({
    parameters: { LoadBalancerId: loadBalancerId, ModifyList: list.map(entry => modifyEntry(entry, change)) },
    size: list.flat().length,
  }));
}

function modifyEntry<Change extends BindingKey>(
  targets: readonly Change[],
  change: (target: Change) => object,
): object {
  const [first] = targets;
  assert(first);
  return {
    ListenerId: first.listenerId,
    ...location(first),
    Targets: targets.map(target => ({ ...backend(target), Port: target.port, ...change(target) })),
  };
}

function location({ locationId }: BindingKey): object {
  return locationId === '' ? {} : { LocationId: locationId };
}

/** CLB reads an empty list as an error at best; a larger or repeated one is a bug of the planner. */
function assertBatch(targets: readonly BindingKey[]): void {
  assert(targets.length > 0 && targets.length <= BATCH_TARGETS_MAX, `a batch of ${targets.length} targets`);
  const keys = new Set(targets.map(key => `${key.listenerId}/${key.locationId}/${key.address}:${key.port}`));
  assert.equal(keys.size, targets.length, 'a batch names a target twice');
}

/** @returns slices of at most `size`, in order; none for an empty list. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
