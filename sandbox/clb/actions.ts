import { accountQueries } from './account-query.ts';
import { domainActions } from './domain-actions.ts';
import { listenerActions } from './listener-actions.ts';
import { listenerQueries } from './listener-query.ts';
import { loadBalancerChanges } from './load-balancer-changes.ts';
import { createLoadBalancerAction } from './load-balancer-creation.ts';
import { deleteLoadBalancerAction } from './load-balancer-deletion.ts';
import { loadBalancerQueries } from './load-balancer-query.ts';
import type { Action } from './plan.ts';
import { rewriteActions } from './rewrite-actions.ts';
import { ruleActions } from './rule-actions.ts';
import { singleTargetActions } from './single-target-actions.ts';
import { targetActions } from './target-actions.ts';
import { targetChangeActions } from './target-change-actions.ts';
import { targetQueries } from './target-query.ts';

/** Every action of the API that the sandbox has, by name. For one server: it remembers orders. */
export function everyAction(): Readonly<Record<string, Action>> {
  return {
    CreateLoadBalancer: createLoadBalancerAction(),
    DeleteLoadBalancer: deleteLoadBalancerAction,
    ...loadBalancerChanges,
    ...listenerActions,
    ...ruleActions,
    ...domainActions,
    ...rewriteActions,
    ...targetActions,
    ...targetChangeActions,
    ...singleTargetActions,
    ...loadBalancerQueries,
    ...listenerQueries,
    ...targetQueries,
    ...accountQueries,
  };
}
