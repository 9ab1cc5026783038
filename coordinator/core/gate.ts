import { GateState } from '../../common/pod-record.ts';
import { bindingKey } from './binding-key.ts';
import type { PodView } from './cluster-view.ts';
import { dispositionOf } from './disposition.ts';
import { type Rule, ruleLabel, targetPortOf } from './rule.ts';
import { type PlacedRule, placeOf, type RuleTarget } from './rule-state.ts';

/** What the Pod's readiness gate should say (law L3). */
export type GateDecision =
  | { readonly status: 'open' | 'closed'; readonly reason: GateReason; readonly message: string }
  /** Nothing may be said: the gate stays as it is. */
  | { readonly status: 'unknown' };

export type GateReason =
  | 'LoadBalancerReady'
  | 'NotSelected'
  | 'WaitingForPod'
  | 'WaitingForLoadBalancer'
  | 'WaitingForRegistration'
  | 'WaitingForHealthCheck'
  | 'NotOnEni'
  | 'NoInstance'
  | 'NoSuchPort';

export interface GateInput {
  readonly pod: PodView;
  /** Every rule that selects the Pod, those without a place included. */
  readonly rules: readonly Rule[];
  /** The target at a binding key of the given load balancer; undefined before that load balancer was read. */
  readonly targetAt: (loadBalancerId: string, key: string) => RuleTarget | undefined;
  /** A consistent list of the namespace's Services, read after the Pod was first reported, has none that selects it. */
  readonly provenUnselected: boolean;
}

export function gateDecision(input: GateInput): GateDecision {
  const { pod } = input;
  const rules = input.rules.filter(rule => rule.refusal === undefined);
  if (pod.deletionSeenAt !== undefined || pod.record.gate === GateState.ABSENT) return { status: 'unknown' };
  if (rules.length === 0) {
    if (!input.provenUnselected && input.rules.length === 0) return { status: 'unknown' };
    return { status: 'open', reason: 'NotSelected', message: 'No load balancer rule that works selects this Pod.' };
  }
  const pending = rules.flatMap(rule => {
    const wait = waitOf(rule, input);
    return wait ? [wait] : [];
  });
  const [first] = pending;
  if (!first) {
    return { status: 'open', reason: 'LoadBalancerReady', message: `Healthy on ${rules.map(label).join(', ')}.` };
  }
  const message = `${rules.length - pending.length} of ${rules.length} rules ready; ${pending.map(wait => wait.message).join('; ')}.`;
  return { status: 'closed', reason: first.reason, message };
}

interface Wait {
  readonly reason: GateReason;
  readonly message: string;
}

function waitOf(rule: Rule, input: GateInput): Wait | undefined {
  const { record } = input.pod;
  const name = label(rule);
  if (!record.eni?.attached) {
    return { reason: 'NotOnEni', message: `${name}: the Pod is not on an ENI (${record.eni?.reason ?? 'unknown'})` };
  }
  if (targetPortOf(rule, record) === undefined) {
    return { reason: 'NoSuchPort', message: `${name}: no container has a port named "${rule.targetPort}"` };
  }
  const disposition = dispositionOf(input.pod, rule);
  if (disposition.kind !== 'serve') return { reason: 'WaitingForPod', message: `${name}: the Pod is not ready yet` };
  if (!rule.place) return { reason: 'WaitingForLoadBalancer', message: `${name}: the load balancer is being made` };
  return waitOfPlaced(rule as PlacedRule, disposition.weight, input);
}

function waitOfPlaced(rule: PlacedRule, weight: number, input: GateInput): Wait | undefined {
  const place = placeOf(rule, input.pod);
  const name = `${label(rule)} on ${rule.place.loadBalancerId}`;
  const target = place && input.targetAt(rule.place.loadBalancerId, bindingKey(place));
  const bound = target?.bound;
  if (!bound || target.transaction || bound.mark?.podUid !== input.pod.record.uid || bound.weight !== weight) {
    return { reason: 'WaitingForRegistration', message: `${name}: not yet read back with weight ${weight}` };
  }
  if (bound.health === 'healthy' || bound.health === 'closed') return undefined;
  return {
    reason: 'WaitingForHealthCheck',
    message: `${name}: the health check says ${bound.health ?? 'nothing yet'}`,
  };
}

function label(rule: Rule): string {
  return `${rule.service.namespace}/${rule.service.name} ${ruleLabel(rule)}`;
}
