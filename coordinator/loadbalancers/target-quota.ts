import type { LoadBalancer } from '../cloud/types.ts';
import { type Rule, ruleLabel } from '../core/rule.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';

/**
 * Tag of a load balancer: targets that one listener or forwarding rule of it may have. A raise that Tencent Cloud granted
 * to a single load balancer is not visible in DescribeQuota (clb-api section 3).
 */
const QUOTA_TAG = 'clb-direct-target-quota';

/** Undefined when the tag is missing or no number from 1 to 99,999. */
export function targetQuotaOf({ tags }: Pick<LoadBalancer, 'tags'>): number | undefined {
  const text = tags[QUOTA_TAG] ?? '';
  return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined;
}

/** The rule has no room for `leftOut` of its Pods. */
export function quotaReached(rule: Rule, options: { loadBalancerId: string; leftOut: number; quota: number }): Problem {
  const { loadBalancerId, leftOut, quota } = options;
  return problem(
    'CD1011',
    `${ownerName(rule.service)}: port ${ruleLabel(rule)} on ${loadBalancerId} may have ${quota} targets, and ` +
      `${leftOut} ${leftOut === 1 ? 'Pod is' : 'Pods are'} left out. Ask Tencent Cloud for a higher quota, use fewer ` +
      'replicas, or spread them over several load balancers.',
  );
}
