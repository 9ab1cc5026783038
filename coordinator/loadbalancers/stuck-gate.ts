import type { HealthCheckSettings } from '../cloud/settings.ts';
import type { GateReason } from '../core/gate.ts';
import { type Rule, ruleLabel } from '../core/rule.ts';
import type { ProbeOutcome } from '../reports/probe.ts';
import { checkTypeOf, passingStatuses } from './health-check-lint.ts';
import { ownerName } from './owner.ts';
import { type Problem, problem } from './problem.ts';

/** The check of a rule that CLB finds a Pod to fail, or says nothing of. */
export interface FailedCheck {
  readonly rule: Rule;
  /** Undefined as long as CLB has not told it. */
  readonly check: HealthCheckSettings | undefined;
  /** That is asked. */
  readonly port: number;
  /** What the Pod's own node found when it tried the port; undefined: TCP tells nothing about this check. */
  readonly reached: ProbeOutcome | undefined;
}

/** Why the Pod's readiness gate does not open, as far as can be told, and what to look at. */
export function gateStuck(whose: string, afterMs: number, cause: string): Problem {
  return problem('CD3022', `${whose}: shut for more than ${Math.round(afterMs / 1_000)} s. Probable cause: ${cause}.`);
}

/** Of a gate that waits for something other than the Pod itself and a health check. */
export function causeOf(reason: GateReason): string {
  switch (reason) {
    case 'WaitingForLoadBalancer':
      return 'the load balancer or its listener could not be made; the Events of the Service or Ingress tell more';
    case 'WaitingForRegistration':
      return 'CLB does not take the target, or is slow; the condition of the Pod and the Events of the Service or Ingress tell more';
    case 'NotOnEni':
      return 'the Pod has no address on an ENI, and CLB reaches no other; see its annotation tke.cloud.tencent.com/networks';
    case 'NoInstance':
      return 'the node of the Pod has no instance id (spec.providerID), and CLB reaches the host’s network by nothing else';
    case 'NoSuchPort':
      return 'no container has a port of the name that the Service gives as targetPort';
    case 'Paused':
      return 'its Service or Ingress has the annotation clb-direct.io/paused, so that nothing of it is changed in CLB';
    case 'NodeLeaving':
      return 'the end of its node is announced, and nothing new is opened there';
    case 'WaitingForHealthCheck':
    case 'WaitingForPod':
    case 'NotSelected':
    case 'LoadBalancerReady':
      return 'the condition of the Pod tells more';
  }
}

/** Of a gate that waits for a health check. */
export function causeOfFailedCheck(failed: FailedCheck): string {
  const { rule, port, reached } = failed;
  const name = `${ownerName(rule.service)}, ${ruleLabel(rule)}`;
  switch (reached) {
    case 'connected':
      return `${name}: the Pod's own node reaches port ${port} and CLB's health check does not pass, so that ${whatKeepsOut(failed)}`;
    case 'refused':
      return `${name}: nothing listens on port ${port} of the Pod, so that the port that is checked is not the application's, or the application is slow to start`;
    case 'timed-out':
    case 'unreachable':
      return `${name}: not even the Pod's own node reaches port ${port}, so that the application hangs or is slow to start, or a NetworkPolicy keeps everybody out`;
    case 'declined':
    case 'unanswered':
    case undefined:
      return `${name}: the health check of port ${port} does not pass, and the Pod's node cannot tell why; it may be a security group, the path or port of the check, or a slow start`;
  }
}

function whatKeepsOut({ rule, check }: FailedCheck): string {
  const from = check?.sourceIpType === 0 ? "the load balancer's address" : '100.64.0.0/10';
  const group = `a security group of the Pod or a NetworkPolicy keeps out probes from ${from}`;
  const type = check && checkTypeOf(check, rule);
  if (type !== 'HTTP' && type !== 'HTTPS') return group;
  const { httpMethod = 'HEAD', httpPath = '/', httpDomain } = check ?? {};
  const host = httpDomain ? ` for the host ${httpDomain}` : '';
  return `${group}, or ${httpMethod} ${httpPath}${host} is not answered with ${passingStatuses(check ?? {})}`;
}
