import { ClbError } from './clb-error.ts';
import { flag, list, object, text } from './parameters.ts';
import { placesOf } from './place.ts';
import { type Action, type ActionContext, action, type Plan, writableLoadBalancer } from './plan.ts';
import { type Change, type LoadBalancer, removeListener } from './state.ts';

/** The guard against mass deletion: this many in this time. */
const DELETIONS_MAX = 30;
const DELETIONS_WINDOW_MS = 300_000;
/** More targets than this need `ForceDelete`. */
const GUARDED_TARGETS = 20;

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
  const places = [...loadBalancer.listeners.values()].flatMap(placesOf);
  const targets = places.reduce((sum, place) => sum + place.targets.size, 0);
  if (isForced || targets === 0) return;
  if (targets >= GUARDED_TARGETS) {
    throw new ClbError('FailedOperation.TargetNumCheckRisk', `${loadBalancer.id} still has ${targets} targets bound.`);
  }
  if (!loadBalancer.hasTraffic) return;
  const message = `${loadBalancer.id} has targets, and had more than 10 Mbps of traffic in the last 5 minutes.`;
  throw new ClbError('FailedOperation.TrafficCheckRisk', message);
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

export const deleteLoadBalancerAction: Action = action(deleteParameters, deleteLoadBalancers);
