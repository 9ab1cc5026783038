import { Caller, type CallerOptions } from './caller.ts';
import { ClbReader } from './clb-reader.ts';
import { ClbWriter } from './clb-writer.ts';
import type { CallPriority, Cloud } from './types.ts';

export interface ClbCloud extends Cloud {
  /** Calls of a priority that wait for the rate limit now; for metrics. */
  waiting(priority: CallPriority): number;
  /** Requests per second that each action called so far may send now: what other users of the account leave; for metrics. */
  rates(): ReadonlyMap<string, number>;
}

/** CLB over the given transport. Writes are never repeated here: the lane reads first and decides (law L8). */
export function clbCloud(options: CallerOptions): ClbCloud {
  const caller = new Caller(options);
  const reader = new ClbReader(caller);
  const writer = new ClbWriter(caller, options);
  return {
    waiting: priority => caller.waiting(priority),
    rates: () => caller.rates(),
    describeLoadBalancers: (query, signal) => reader.loadBalancers(query, signal),
    describeListeners: (id, signal, priority) => reader.listeners(id, signal, priority),
    describeTargets: (id, listenerIds, signal, priority) => reader.targets(id, listenerIds, { signal, priority }),
    describeTargetHealth: (ids, signal, priority) => reader.targetHealth(ids, signal, priority),
    describeQuota: signal => reader.quota(signal),
    createLoadBalancer: (request, signal) => writer.createLoadBalancer(request, signal),
    deleteLoadBalancer: (id, signal) => writer.deleteLoadBalancer(id, signal),
    changeLoadBalancer: (id, change, signal) => writer.changeLoadBalancer(id, change, signal),
    createListeners: (id, request, signal) => writer.createListeners(id, request, signal),
    deleteListeners: (id, listenerIds, signal) => writer.deleteListeners(id, listenerIds, signal),
    createRules: (id, listenerId, rules, signal) => writer.createRules({ id, listenerId }, rules, signal),
    deleteRules: (id, listenerId, locationIds, signal) => writer.deleteRules({ id, listenerId }, locationIds, signal),
    changeSettings: (id, change, signal) => writer.changeSettings(id, change, signal),
    redirect: (id, redirects, signal) => writer.redirect(id, redirects, signal),
    removeRedirects: (id, redirects, signal) => writer.removeRedirects(id, redirects, signal),
    registerTargets: (id, targets, signal) => writer.registerTargets(id, targets, signal),
    deregisterTargets: (id, targets, signal) => writer.deregisterTargets(id, targets, signal),
    modifyWeights: (id, targets, signal, priority) => writer.modifyWeights(id, targets, { signal, priority }),
    modifyTags: (id, targets, signal) => writer.modifyTags(id, targets, signal),
  };
}
