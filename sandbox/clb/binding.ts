import { isIPv6 } from 'node:net';
import { ClbError } from './clb-error.ts';
import { integer, ipAddress, text } from './parameters.ts';
import { type FoundPlace, isThere } from './place.ts';
import type { ActionContext } from './plan.ts';
import { type LoadBalancer, type TargetChange, targetKey } from './state.ts';

export const DEFAULT_WEIGHT = 10;

export const port = integer(1, 65_535, 'InvalidParameter.PortCheckFailed');
export const weight = integer(0, 100);

/** How every action names the machine behind a target. */
export const machineFields = { EniIp: ipAddress, InstanceId: text() };

export interface MachineName {
  readonly EniIp?: string;
  readonly InstanceId?: string;
}

/** One target of a write at the place it is for. */
export interface Binding {
  readonly place: FoundPlace;
  readonly address: string;
  readonly instanceId?: string;
  readonly port: number;
  readonly weight: number;
  readonly tag: string;
}

/**
 * Turns machines into addresses. An ENI's address is any but the primary one of an instance, which is bound by its id.
 * @throws ClbError InvalidParameter, InvalidParameterValue.
 */
export function machineReader(context: ActionContext, loadBalancer: LoadBalancer) {
  const { instances } = context.settings;
  const primary = new Map(Object.entries(instances).map(([id, address]) => [address, id]));
  return ({ EniIp: eniIp, InstanceId: instanceId }: MachineName, path: string) => {
    if ((eniIp === undefined) === (instanceId === undefined)) {
      throw new ClbError('InvalidParameter', `One of InstanceId and EniIp must be given in ${path}.`);
    }
    if (instanceId !== undefined) return { address: addressOf(instances, instanceId), instanceId };
    const address = eniIp ?? '';
    const owner = primary.get(address);
    if (owner !== undefined) throw refusal(`EniIp ${address} is the primary address of ${owner}; give its InstanceId.`);
    if (isIPv6(address) && loadBalancer.ipv6Vip === '') {
      throw refusal(`EniIp ${address} does not fit ${loadBalancer.id}, which takes IPv4.`);
    }
    return { address };
  };
}

function addressOf(instances: Readonly<Record<string, string>>, instanceId: string): string {
  const address = Object.hasOwn(instances, instanceId) ? instances[instanceId] : undefined;
  if (address === undefined) throw refusal(`InstanceId ${instanceId} not exists.`);
  return address;
}

function refusal(message: string): ClbError {
  return new ClbError('InvalidParameterValue', message);
}

/** @throws ClbError InvalidParameterValue that names the first machine that cannot be bound. */
export function checkBindable(context: ActionContext, bindings: readonly Binding[]): void {
  const { refused } = context.state;
  if (refused.size === 0) return;
  for (const { address, instanceId } of bindings) {
    const name = [instanceId, address].find(candidate => candidate !== undefined && refused.has(candidate));
    if (name !== undefined) throw refusal(`The backend ${name} cannot be bound: it is not found or not attached.`);
  }
}

/** @throws ClbError InvalidParameter that names the first one that is not bound. */
export function checkBound(bindings: readonly Binding[]): void {
  const missing = bindings.find(binding => !find(binding));
  if (!missing) return;
  throw new ClbError('InvalidParameter', `${targetKey(missing)} is not bound to ${placeName(missing.place)}.`);
}

/** @throws ClbError LimitExceeded. */
export function checkTargetQuota(bindings: readonly Binding[], limit: number): void {
  const added = new Map<FoundPlace['targets'], number>();
  for (const binding of bindings) {
    if (find(binding)) continue;
    const { targets } = binding.place;
    const count = (added.get(targets) ?? 0) + 1;
    added.set(targets, count);
    if (targets.size + count <= limit) continue;
    throw new ClbError('LimitExceeded', `${placeName(binding.place)} may have ${limit} targets.`);
  }
}

export function placeName({ listenerId, locationId }: FoundPlace): string {
  return locationId === '' ? `Listener ${listenerId}` : `Location ${locationId} of listener ${listenerId}`;
}

export function find(binding: Binding) {
  return binding.place.targets.get(targetKey(binding));
}

/** Binds it, or changes what is bound; nothing when its place went meanwhile. */
export function bind(context: ActionContext, loadBalancer: LoadBalancer, binding: Binding): TargetChange[] {
  const { place, ...target } = binding;
  if (!isThere(loadBalancer, place)) return [];
  const earlier = find(binding);
  place.targets.set(targetKey(target), { ...target, registeredAt: earlier?.registeredAt ?? context.wallNow });
  const { listenerId, locationId } = place;
  const kind = earlier ? 'target-reweighted' : 'target-registered';
  return [{ kind, loadBalancerId: loadBalancer.id, listenerId, locationId, ...target }];
}

/** Nothing when it is not bound. */
export function unbind(loadBalancer: LoadBalancer, place: FoundPlace, key: string): TargetChange[] {
  const { listenerId, locationId, targets } = place;
  const earlier = targets.get(key);
  if (!earlier || !isThere(loadBalancer, place)) return [];
  targets.delete(key);
  const { registeredAt: _, ...target } = earlier;
  return [{ kind: 'target-deregistered', loadBalancerId: loadBalancer.id, listenerId, locationId, ...target }];
}
