import type { Cloud, CloudResult } from '../cloud/types.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';

/**
 * Sends one change of listeners, forwarding rules or their settings. Not abortable: once begun, its outcome has to be known.
 * @returns the ids of what was made
 */
export async function sendListenerWork(
  cloud: Cloud,
  loadBalancerId: string,
  work: ListenerWork,
): Promise<CloudResult<readonly string[]>> {
  const { signal } = new AbortController();
  switch (work.kind) {
    case 'create':
      return cloud.createListeners(loadBalancerId, work.request, signal);
    case 'create-rules':
      return cloud.createRules(loadBalancerId, work.listenerId, work.requests, signal);
    case 'change-settings':
      return madeNothing(await cloud.changeSettings(loadBalancerId, work.change, signal));
    case 'redirect':
      return madeNothing(await cloud.redirect(loadBalancerId, work.redirects, signal));
    case 'remove-redirects':
      return madeNothing(await cloud.removeRedirects(loadBalancerId, work.redirects, signal));
    case 'delete':
      return madeNothing(await cloud.deleteListeners(loadBalancerId, work.listenerIds, signal));
    case 'delete-rules':
      return madeNothing(await cloud.deleteRules(loadBalancerId, work.listenerId, work.locationIds, signal));
  }
}

function madeNothing(result: CloudResult<void>): CloudResult<readonly string[]> {
  return result.ok ? { ok: true, value: [] } : result;
}
