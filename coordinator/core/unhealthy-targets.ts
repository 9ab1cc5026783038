import { bindingKey } from './binding-key.ts';
import type { GateInput } from './gate.ts';
import { type PlacedRule, placeOf } from './rule-state.ts';

export interface UnhealthyTarget {
  readonly rule: PlacedRule;
  readonly key: string;
}

/** The Pod's targets that take new connections though CLB finds them unhealthy. */
export function unhealthyTargets({ pod, rules, targetAt }: Omit<GateInput, 'provenUnselected'>): UnhealthyTarget[] {
  return rules.flatMap(rule => {
    const place = rule.place && placeOf(rule as PlacedRule, pod);
    if (!place || !rule.place || rule.refusal !== undefined) return [];
    const key = bindingKey(place);
    const target = targetAt(rule.place.loadBalancerId, key);
    const bound = target?.transaction ? undefined : target?.bound;
    const isUnhealthy = bound?.mark?.podUid === pod.record.uid && bound.weight > 0 && bound.health === 'unhealthy';
    return isUnhealthy ? [{ rule: rule as PlacedRule, key }] : [];
  });
}
