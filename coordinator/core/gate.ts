import { GateState } from '../../common/pod-record.ts';
import { bindingKey } from './binding-key.ts';
import type { PodView } from './cluster-view.ts';
import { type Disposition, dispositionOf } from './disposition.ts';
import { type Rule, ruleLabel, targetPortOf } from './rule.ts';
import { addressFor, type PlacedRule, placeOf, type RuleTarget } from './rule-state.ts';

/** What the Pod's readiness gate should say (law L3). */
export type GateDecision =
  | { readonly status: 'open' | 'closed'; readonly reason: GateReason; readonly message: string }
  /** Nothing may be said: the gate stays as it is. */
  | { readonly status: 'unknown' };

export const GATE_REASONS = [
  'LoadBalancerReady',
  'NotSelected',
  'WaitingForPod',
  'WaitingForLoadBalancer',
  'WaitingForRegistration',
  'WaitingForHealthCheck',
  'NotOnEni',
  'NoInstance',
  'NoSuchPort',
  'NodeLeaving',
  'Paused',
] as const;
export type GateReason = (typeof GATE_REASONS)[number];

export interface GateInput {
  readonly pod: PodView;
  /** Every rule that selects the Pod, those without a place included. */
  readonly rules: readonly Rule[];
  /** The target at a binding key of the given load balancer; undefined before that load balancer was read. */
  readonly targetAt: (loadBalancerId: string, key: string) => RuleTarget | undefined;
  /** CLB's limit of targets on the rule, where it leaves Pods of the rule out. */
  readonly quotaOf?: (rule: PlacedRule) => number | undefined;
  /** Since when this target was seen unhealthy without a break, milliseconds since the Unix epoch. */
  readonly unhealthySinceMs?: (key: string) => number | undefined;
  /** A consistent list of the namespace's Services, read after the Pod was first reported, has none that selects it. */
  readonly provenUnselected: boolean;
}

export function gateDecision(input: GateInput): GateDecision {
  const { pod } = input;
  const rules = input.rules.filter(rule => rule.refusal === undefined);
  if (pod.deletionSeenAt !== undefined || pod.record.gate === GateState.ABSENT) return { status: 'unknown' };
  if (rules.length === 0) {
    // Its labels are what its agent says of it (law L12). Without addresses nothing would be latched.
    if (!pod.confirmed || pod.record.addresses.length === 0) return { status: 'unknown' };
    if (input.rules.length === 0 && !input.provenUnselected) return { status: 'unknown' };
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
  const { pod } = input;
  const name = label(rule);
  const unreachable = unreachableBy(rule, pod);
  if (unreachable) return { reason: unreachable.reason, message: `${name}: ${unreachable.message}` };
  // What is open says so wherever it stands.
  const disposition = dispositionOf(pod, rule, { keepsLeavingNodes: true });
  if (disposition.kind !== 'serve') return { reason: 'WaitingForPod', message: `${name}: ${missing(disposition)}` };
  if (addressFor(rule, pod.record) === undefined) {
    const message = `${name}: the Pod has no ${rule.addressFamily ?? 'IPv4'} address`;
    return { reason: 'WaitingForPod', message };
  }
  if (!rule.place && rule.isPaused) return { reason: 'Paused', message: `${name}: ${PAUSED}` };
  if (!rule.place) return { reason: 'WaitingForLoadBalancer', message: `${name}: the load balancer is being made` };
  return waitOfPlaced(rule as PlacedRule, disposition.weight, input);
}

const PAUSED = 'nothing is changed while its annotation clb-direct.io/paused is "true"';

function missing(disposition: Disposition): string {
  const isUnsure = disposition.kind === 'standby' && disposition.waitsFor === 'confirmation';
  return isUnsure ? "the API server or its node's agent has yet to confirm the Pod" : 'the Pod is not ready yet';
}

/** What the Pod or its node lacks for the load balancer to reach it; waiting alone does not mend it. */
function unreachableBy(rule: Rule, { record, instanceId, node }: PodView): Wait | undefined {
  if (record.hostNetwork && instanceId === undefined) {
    const message = `the Pod shares the network of node ${node}, of which no instance id is known (spec.providerID)`;
    return { reason: 'NoInstance', message };
  }
  if (!record.hostNetwork && !record.eni?.attached) {
    return { reason: 'NotOnEni', message: `the Pod is not on an ENI (${record.eni?.reason ?? 'unknown'})` };
  }
  if (targetPortOf(rule, record) === undefined) {
    return { reason: 'NoSuchPort', message: `no container has a port named "${rule.targetPort}"` };
  }
  return undefined;
}

function waitOfPlaced(rule: PlacedRule, weight: number, input: GateInput): Wait | undefined {
  const { loadBalancerId, listenerId, locationId } = rule.place;
  const place = placeOf(rule, input.pod);
  const name = `${label(rule)} on ${[loadBalancerId, listenerId, locationId].filter(id => id !== '').join('/')}`;
  const key = place && bindingKey(place);
  const target = key === undefined ? undefined : input.targetAt(loadBalancerId, key);
  const bound = target?.bound;
  if (!bound || target?.transaction || bound.mark?.podUid !== input.pod.record.uid || bound.weight !== weight) {
    if (rule.isPaused) return { reason: 'Paused', message: `${name}: ${PAUSED}` };
    const { nodeSign, node } = input.pod;
    if (nodeSign) {
      const why =
        nodeSign.kind === 'unreachable' ? 'which nobody reaches' : `whose end is announced (${nodeSign.kind})`;
      const message = `${name}: nothing new is opened on node ${node}, ${why}`;
      return { reason: 'NodeLeaving', message };
    }
    return { reason: 'WaitingForRegistration', message: `${name}: ${missingTarget(rule, target, weight, input)}` };
  }
  if (bound.health === 'healthy' || bound.health === 'closed') return undefined;
  const sinceMs = bound.health === 'unhealthy' && key !== undefined ? input.unhealthySinceMs?.(key) : undefined;
  const since = sinceMs === undefined ? '' : ` since ${new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z')}`;
  return {
    reason: 'WaitingForHealthCheck',
    message: `${name}: the health check says ${bound.health ?? 'nothing yet'}${since}`,
  };
}

function missingTarget(
  rule: PlacedRule,
  target: RuleTarget | undefined,
  weight: number,
  { quotaOf }: Pick<GateInput, 'quotaOf'>,
): string {
  if (target?.refusal !== undefined) return `CLB refuses the target: ${target.refusal}`;
  const quota = target?.bound || target?.transaction ? undefined : quotaOf?.(rule);
  if (quota !== undefined) return `CLB's quota of ${quota} targets on the rule leaves no place (CD1011)`;
  return `not yet read back with weight ${weight}`;
}

function label({ service, forwarding, ...rule }: Rule): string {
  const where = forwarding ? `${forwarding.scheme}://${forwarding.domain}${forwarding.url}` : ruleLabel(rule);
  return `${service.namespace}/${service.name} ${where}`;
}
