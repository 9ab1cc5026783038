import type { LoadBalancerChange } from '../cloud/load-balancer-settings.ts';
import type { RuleOwner } from '../core/rule.ts';
import type { TargetOperation } from '../core/target-operation.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import { ownerName } from '../loadbalancers/owner.ts';

export const CHANGE_KINDS = [
  'create-load-balancer',
  'delete-load-balancer',
  'settings',
  'listeners',
  'register',
  'open',
  'close',
  'deregister',
  'adopt',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** One change of CLB that would be made now if it might. */
export interface IntendedChange {
  readonly kind: ChangeKind;
  /** Undefined for one that is to be made. */
  readonly loadBalancerId: string | undefined;
  /** For people. */
  readonly text: string;
}

export function intendedTarget(
  loadBalancerId: string,
  operation: TargetOperation,
  nameOf: (podUid: string) => string,
): IntendedChange {
  const { kind, place, podUid } = operation;
  const where = [place.listenerId, place.locationId].filter(id => id !== '').join('/');
  const target = `${place.address}:${place.port} of Pod ${nameOf(podUid)}`;
  return { kind, loadBalancerId, text: `${deed(operation)} ${target} on ${where}` };
}

function deed(operation: TargetOperation): string {
  switch (operation.kind) {
    case 'register':
      return `register with weight ${operation.weight}`;
    case 'open':
      return `set weight ${operation.weight} for`;
    case 'close':
      return `set weight 0 (${operation.evidence}) for`;
    case 'deregister':
      return `deregister (${operation.evidence})`;
    case 'adopt':
      return 'adopt';
  }
}

export function intendedListenerWork(loadBalancerId: string, work: ListenerWork): IntendedChange {
  return { kind: 'listeners', loadBalancerId, text: listenerText(work) };
}

function listenerText(work: ListenerWork): string {
  switch (work.kind) {
    case 'create':
      return `create ${work.request.protocol} listeners on ports ${work.request.ports.join(', ')}`;
    case 'delete':
      return `delete listeners ${work.listenerIds.join(', ')}`;
    case 'create-rules':
      return `create rules ${work.requests.map(({ domain, url }) => `${domain}${url}`).join(', ')} on ${work.listenerId}`;
    case 'delete-rules':
      return `delete rules ${work.locationIds.join(', ')} of ${work.listenerId}`;
    case 'change-settings':
      return `change settings of a ${work.change.kind} on ${work.change.listenerId}: ${JSON.stringify(work.change.settings)}`;
    case 'redirect':
    case 'remove-redirects': {
      const { sourceListenerId, targetListenerId, pairs } = work.redirects;
      const deed = work.kind === 'redirect' ? 'redirect' : 'stop redirecting';
      return `${deed} ${pairs.length} rules of ${sourceListenerId} to ${targetListenerId}`;
    }
  }
}

export function intendedSettings(loadBalancerId: string, change: LoadBalancerChange): IntendedChange {
  const text =
    change.kind === 'security-groups'
      ? `set security groups ${change.ids.join(', ')}`
      : `set ${JSON.stringify(change.settings)}`;
  return { kind: 'settings', loadBalancerId, text };
}

export function intendedCreation(owner: RuleOwner): IntendedChange {
  return {
    kind: 'create-load-balancer',
    loadBalancerId: undefined,
    text: `create a load balancer for ${ownerName(owner)}`,
  };
}

export function intendedDeletion(loadBalancerId: string): IntendedChange {
  return { kind: 'delete-load-balancer', loadBalancerId, text: 'delete the load balancer' };
}
