import type { World } from '../simulation/world.ts';

/** Every load balancer as DescribeLoadBalancers tells it. */
export function describedOf({ clb }: World): readonly Readonly<Record<string, unknown>>[] {
  const { LoadBalancerSet } = clb.elsewhere.writeAtOnce('DescribeLoadBalancers', { Limit: 100 });
  return LoadBalancerSet as Record<string, unknown>[];
}

/** The calls of an action in the cloud's journal, refused ones too. */
export function callsOf({ journal }: World, action: string) {
  return journal.filter(record => record.kind === 'call' && record.action === action);
}
