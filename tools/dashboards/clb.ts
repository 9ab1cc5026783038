import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { max, mean, metric, present, quantile, rate, sum } from './expressions.ts';
import { dashboardOf, type Section } from './frame.ts';
import { graph, stat, WIDTH } from './panel.ts';

/** Lanes, calls, throttling, targets and quotas of Tencent Cloud's load balancers. */
export function clbDashboard(): Dashboard {
  return dashboardOf({
    name: 'clb',
    title: 'CLB',
    description:
      "Lanes, calls, throttling, targets and quotas: all load balancers together, as the leader sees them. Which one is meant stands on the leader's status page and in the Events of its Services.",
    sections: [now(), targets(), lanes(), calls()],
  });
}

function now(): Section {
  return {
    title: 'Now',
    panels: [
      stat({
        title: 'Load balancers',
        description: 'Those that the leader serves. Normal: as many as Services and Ingresses ask for.',
        unit: 'short',
        queries: [{ expr: max(metric('lanes')), legend: 'load balancers' }],
      }),
      stat({
        title: 'Targets serving',
        description: 'Open and healthy targets on all rules. Normal: one for each ready Pod and rule.',
        unit: 'short',
        queries: [{ expr: max(metric('targets', 'state="Serving"')), legend: 'targets' }],
      }),
      stat({
        title: 'Oldest mismatch',
        description:
          'How long the target that is longest otherwise than wanted has been so. Normal: some seconds while things change, 0 otherwise.',
        unit: 's',
        queries: [{ expr: max(metric('oldest_mismatch_seconds')), legend: 'oldest' }],
        limits: { orange: 60, red: 300 },
      }),
      stat({
        title: 'Longest wait in a lane',
        description: 'How long the oldest operation in any lane waits for its write. Normal: below 2 s.',
        unit: 's',
        queries: [{ expr: max(metric('lane_oldest_wait_seconds')), legend: 'oldest' }],
        limits: { orange: 10, red: 60 },
      }),
      stat({
        title: 'Throttled calls',
        description:
          'Calls per second that CLB refused for the rate of the account, or that were not sent for it. Normal: 0.',
        unit: 'ops',
        queries: [{ expr: sum(rate('cloud_errors_total', 'code=~"CD2001|CD2045"')), legend: 'calls' }],
        limits: { orange: 0.1, red: 1 },
      }),
      stat({
        title: 'Fullest rule',
        description:
          'Of the rule that is nearest to its quota of targets, the share of it that is used. Normal: below 80 %.',
        unit: 'percentunit',
        queries: [{ expr: max(metric('fullest_rule_ratio')), legend: 'used' }],
        limits: { orange: 0.8, red: 1 },
      }),
    ],
  };
}

function targets(): Section {
  return {
    title: 'Targets: wanted and found',
    panels: [
      graph({
        title: 'Targets by state',
        description:
          'Where targets stand in their life cycle, on all rules. Normal: nearly all Serving; Opening and Draining pass by.',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: max(metric('targets'), 'state'), legend: '{{state}}' }],
      }),
      graph({
        title: 'Otherwise than wanted',
        description:
          'Targets that CLB shows otherwise than they should be, by how. Normal: passing peaks; what stays is told by docs/runbooks/ClbDirectMismatchLasting.md.',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: max(metric('mismatched_targets'), 'kind'), legend: '{{kind}}' }],
      }),
      graph({
        title: 'Unhealthy and left out',
        description:
          'Open targets that CLB finds unhealthy, and targets that have no room within the quota of their rule. Normal: 0.',
        unit: 'short',
        queries: [
          { expr: max(metric('unhealthy_targets')), legend: 'unhealthy' },
          { expr: max(metric('left_out_targets')), legend: 'left out' },
        ],
      }),
      graph({
        title: 'Kept open',
        description:
          'Targets that something speaks against and that are kept open so that nothing runs empty, by reason. Normal: 0, or a moment (docs/runbooks/ClbDirectBrakeHolding.md).',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: max(metric('held_targets'), 'reason'), legend: '{{reason}}' }],
        width: WIDTH / 2,
      }),
      graph({
        title: 'Changed by others',
        description:
          'Targets that a read showed other than they were believed to be, per second, and how many differed at the last audits. Normal: 0; more is a foreign writer.',
        unit: 'short',
        queries: [
          { expr: `${sum(rate('unexpected_targets_total'))} or vector(0)`, legend: 'found per second' },
          { expr: max(metric('audit_differences')), legend: 'at the last audits' },
        ],
        width: WIDTH / 2,
      }),
    ],
  };
}

function lanes(): Section {
  return {
    title: 'Lanes: one writer for each load balancer',
    panels: [
      graph({
        title: 'Operations that wait',
        description: 'In all lanes, by class of priority. Normal: peaks during rollouts that go within seconds.',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: max(metric('lane_queue_depth'), 'priority'), legend: '{{priority}}' }],
      }),
      graph({
        title: 'Wait for a write, p99',
        description:
          'From the moment a change is wanted to the write that carries it. Normal: close below 50 ms on idle lanes; all others below the time of two writes.',
        unit: 's',
        queries: [{ expr: quantile(0.99, { name: 'lane_wait_seconds', by: ['priority'] }), legend: '{{priority}}' }],
      }),
      graph({
        title: 'Oldest operation',
        description: 'How long it has waited, in any lane. Normal: below 2 s; one that only rises is stalled.',
        unit: 's',
        queries: [{ expr: max(metric('lane_oldest_wait_seconds')), legend: 'oldest' }],
      }),
      graph({
        title: 'Targets in one write, mean',
        description: 'By kind of write. Normal: 1 when little happens, more the more happens, up to 500.',
        unit: 'short',
        queries: [{ expr: mean({ name: 'batch_size_targets', by: ['kind'] }), legend: '{{kind}}' }],
      }),
      graph({
        title: 'Writes and targets written',
        description: 'Per second. Normal: far fewer writes than targets during a rollout.',
        unit: 'ops',
        queries: [
          { expr: sum(rate('batch_size_targets_count')), legend: 'writes' },
          { expr: sum(rate('batch_size_targets_sum')), legend: 'targets' },
        ],
      }),
      graph({
        title: 'Sent and not yet read back',
        description: 'Changes of targets whose success no read has shown yet. Normal: falls to 0 within seconds.',
        unit: 'short',
        queries: [{ expr: max(metric('transactions')), legend: 'changes' }],
      }),
    ],
  };
}

function calls(): Section {
  return {
    title: "Calls of CLB's API",
    panels: [
      graph({
        title: 'Calls by action',
        description:
          'Per second. Normal: mostly DescribeTargets and DescribeTargetHealth, far below 18 of each action.',
        unit: 'reqps',
        queries: [{ expr: sum(rate('cloud_calls_total'), 'action'), legend: '{{action}}' }],
      }),
      graph({
        title: 'Failed calls by code',
        description:
          'Per second, by the code of docs/errors.md. Normal: none; some CD2002 (busy) while CLB works on a large change.',
        unit: 'reqps',
        isStacked: true,
        queries: [{ expr: present(sum(rate('cloud_errors_total'), 'code'), 'code'), legend: '{{code}}' }],
      }),
      graph({
        title: 'Time of calls, p99',
        description: 'From sending to the answer, by action. Normal: below 0.5 s.',
        unit: 's',
        queries: [
          { expr: quantile(0.99, { name: 'cloud_call_duration_seconds', by: ['action'] }), legend: '{{action}}' },
        ],
      }),
      graph({
        title: 'Time of tasks, p99',
        description:
          'From the acceptance of a write to the end of its asynchronous task, by action. Normal: below 1 s for weights; making listeners and load balancers takes up to 10 s.',
        unit: 's',
        queries: [
          { expr: quantile(0.99, { name: 'cloud_task_duration_seconds', by: ['action'] }), legend: '{{action}}' },
        ],
        width: WIDTH / 2,
      }),
      graph({
        title: 'Rate limit',
        description:
          'Calls of each action that may be made per second: what other programs leave of the 20 of the account. Normal: 18; lower ones say that somebody else calls too.',
        unit: 'reqps',
        queries: [{ expr: max(metric('cloud_rate_limit_calls_per_second'), 'action'), legend: '{{action}}' }],
        width: WIDTH / 2,
      }),
      graph({
        title: 'Waiting for the rate limit',
        description: 'Calls that wait now, by priority. Normal: 0.',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: sum(metric('cloud_calls_waiting'), 'priority'), legend: '{{priority}}' }],
        width: WIDTH / 2,
      }),
      graph({
        title: 'Wait for the rate limit',
        description: 'How long calls waited before they were sent, p50 and p99. Normal: 0; some 0.1 s in rollouts.',
        unit: 's',
        queries: [0.5, 0.99].map(share => ({
          expr: quantile(share, { name: 'cloud_call_wait_seconds' }),
          legend: `p${share * 100}`,
        })),
        width: WIDTH / 2,
      }),
    ],
  };
}
