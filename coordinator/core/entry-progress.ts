import { bindingKey } from './binding-key.ts';
import { dispositionOf } from './disposition.ts';
import type { GateInput } from './gate.ts';
import type { EntryStage } from './pod-way.ts';
import { type PlacedRule, placeOf } from './rule-state.ts';

/** What reads show of a Pod's way in at this moment, on all rules that want it; empty while there is no such rule. */
export function entryProgress({ pod, rules, targetAt }: Omit<GateInput, 'provenUnselected'>): readonly EntryStage[] {
  const working = rules.filter(rule => rule.refusal === undefined);
  if (working.length === 0) return [];
  const targets = working.map(rule => {
    const place = rule.place && placeOf(rule as PlacedRule, pod);
    const target = place && rule.place && targetAt(rule.place.loadBalancerId, bindingKey(place));
    const disposition = dispositionOf(pod, rule, { keepsLeavingNodes: true });
    const bound = target?.bound?.mark?.podUid === pod.record.uid && !target.transaction ? target.bound : undefined;
    return { bound, weight: disposition.kind === 'serve' ? disposition.weight : undefined };
  });
  const stages: EntryStage[] = [];
  if (targets.every(({ bound }) => bound)) stages.push('accepted');
  if (pod.record.ready) stages.push('containers-ready');
  if (targets.every(({ bound }) => bound?.health === 'healthy' || bound?.health === 'closed')) stages.push('healthy');
  if (targets.every(({ bound, weight }) => bound && bound.weight === weight)) stages.push('open');
  return stages;
}
