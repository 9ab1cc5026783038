/** One alert: when it fires, and what its first lines say. The rest stands in its runbook. */
export interface Alert {
  /** Also the name of its runbook. */
  readonly name: string;
  readonly severity: 'critical' | 'warning';
  /** PromQL; each series that it gives is an alert. */
  readonly expr: string;
  /** So long the expression has to hold. */
  readonly for: string;
  /** One line; `{{ $labels.x }}` and `{{ $value }}` are filled in by Prometheus. */
  readonly summary: string;
  readonly description: string;
}

/** What CLB answers, or we do not send, for the rate of the account. */
const THROTTLED = 'CD2001|CD2045';
/** Signature expired, not allowed, key not taken, address not allowed, no key. */
const REFUSED_KEY = 'CD2026|CD2027|CD2028|CD2034|CD2043';

/** Coordinators that only observe change nothing, which is what they were told. */
const UNLESS_OBSERVING = 'unless on (namespace) max by (namespace) (clb_direct_observing) > 0';

/** In the order in which a person on call would want them. */
export const ALERTS: readonly Alert[] = [
  {
    name: 'ClbDirectNoLeader',
    severity: 'critical',
    expr: `max by (namespace) (clb_direct_leader) < 1 ${UNLESS_OBSERVING} or absent(clb_direct_leader)`,
    for: '1m',
    summary: 'No coordinator leads: nothing changes at the load balancers.',
    description:
      'Pods that serve go on serving, but new ones get no traffic and hooks let go of their Pods after 3 s without a drain.',
  },
  {
    name: 'ClbDirectCredentialsFailing',
    severity: 'critical',
    expr: `sum by (namespace, code) (increase(clb_direct_cloud_errors_total{code=~"${REFUSED_KEY}"}[2m])) > 0`,
    for: '3m',
    summary: 'Tencent Cloud does not take the key of clb-direct, or there is none ({{ $labels.code }}).',
    description: 'No load balancer can be read or changed while it lasts. The code stands in docs/errors.md.',
  },
  {
    name: 'ClbDirectLaneStalled',
    severity: 'critical',
    expr: `max by (namespace) (clb_direct_lane_oldest_wait_seconds) > 60 ${UNLESS_OBSERVING}`,
    for: '1m',
    summary: 'A change has waited for {{ $value | humanizeDuration }} to be written to its load balancer.',
    description: 'Pods on that load balancer come late, and hooks may give up before weight 0 is set.',
  },
  {
    name: 'ClbDirectDrainsGivenUp',
    severity: 'warning',
    expr: 'round(sum by (namespace, reason) (increase(clb_direct_agent_hook_answers_total{result="early"}[15m]))) > 0',
    for: '0m',
    summary:
      '{{ $value | humanize }} preStop hooks were answered before the drain was complete ({{ $labels.reason }}).',
    description: 'Their applications got SIGTERM while connections were open or the load balancer could still send.',
  },
  {
    name: 'ClbDirectGatesStuck',
    severity: 'warning',
    expr: 'max by (namespace, reason) (clb_direct_oldest_closed_gate_seconds{reason!="WaitingForPod"}) > 300',
    for: '1m',
    summary: 'A Pod waits for its load balancer since {{ $value | humanizeDuration }} ({{ $labels.reason }}).',
    description: 'Its readiness gate is closed, so that its rollout does not go on.',
  },
  {
    name: 'ClbDirectMismatchLasting',
    severity: 'warning',
    expr: `max by (namespace, kind) (clb_direct_oldest_mismatch_seconds) > 600 ${UNLESS_OBSERVING}`,
    for: '1m',
    summary: 'A target is otherwise than wanted since {{ $value | humanizeDuration }} ({{ $labels.kind }}).',
    description: 'What CLB shows does not become what Services and Pods ask for.',
  },
  {
    name: 'ClbDirectBrakeHolding',
    severity: 'warning',
    expr: 'max by (namespace) (clb_direct_held_targets{reason="brake"}) > 0',
    for: '10m',
    summary: '{{ $value | humanize }} targets are kept open by the brake although their Pods or nodes look bad.',
    description: 'More than a fifth of the targets of a rule were to be closed within a minute, on weak evidence.',
  },
  {
    name: 'ClbDirectThrottled',
    severity: 'warning',
    expr: `sum by (namespace) (rate(clb_direct_cloud_errors_total{code=~"${THROTTLED}"}[5m])) > 0.2`,
    for: '10m',
    summary: '{{ $value | humanize }} calls per second are refused for the rate limit of the account.',
    description: 'Changes take longer, those of waiting drains last of all.',
  },
  {
    name: 'ClbDirectStreamsMissing',
    severity: 'warning',
    expr: 'max by (namespace) (clb_direct_oldest_missing_agent_seconds) > 300',
    for: '1m',
    summary: 'A node has had no agent that reports for {{ $value | humanizeDuration }}.',
    description: 'Its Pods are watched by the leader itself: exits are seen later, and no hook of theirs is held.',
  },
  {
    name: 'ClbDirectUngatedPods',
    severity: 'warning',
    expr: `max by (namespace) (clb_direct_ungated_pods) > 0 ${UNLESS_OBSERVING}`,
    for: '15m',
    summary: '{{ $value | humanize }} Pods behind load balancers have no readiness gate of clb-direct.',
    description: 'A rollout of theirs does not wait for the load balancer, and may lose requests.',
  },
  {
    name: 'ClbDirectCertificateExpiring',
    severity: 'warning',
    expr: 'min by (namespace, certificate) (clb_direct_certificate_expiry_timestamp_seconds) - time() < 14 * 86400',
    for: '1h',
    summary: 'The {{ $labels.certificate }} certificate of the coordinators ends in {{ $value | humanizeDuration }}.',
    description:
      'Agents and the API server will refuse to speak to the coordinators. It should have been renewed long ago.',
  },
];
