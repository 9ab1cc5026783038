import type { Cloud, CloudResult } from '../cloud/types.ts';
import type { ListenerWork } from '../loadbalancers/listener-plan.ts';

/** Sends one change of listeners or forwarding rules. Not abortable: once begun, its outcome has to be known. */
export async function sendListenerWork(
  cloud: Cloud,
  loadBalancerId: string,
  work: ListenerWork,
): Promise<CloudResult<unknown>> {
  const { signal } = new AbortController();
  switch (work.kind) {
    case 'create':
      return cloud.createListeners(loadBalancerId, work.request, signal);
    case 'delete':
      return cloud.deleteListeners(loadBalancerId, work.listenerIds, signal);
    case 'create-rules':
      return cloud.createRules(loadBalancerId, work.listenerId, work.requests, signal);
    case 'delete-rules':
      return cloud.deleteRules(loadBalancerId, work.listenerId, work.locationIds, signal);
  }
}
