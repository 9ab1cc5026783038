import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { ENTRY_STAGES, EXIT_STAGES } from '../../coordinator/core/pod-way.ts';
import { max, mean, metric, present, quantile, rate, sum } from './expressions.ts';
import { dashboardOf, type Section } from './frame.ts';
import { type Builder, graph, stat, WIDTH } from './panel.ts';

const PERCENTILES = [0.5, 0.9, 0.99];
const STOPPED_LATE = 'result="early"';

/** Where the time of Pods goes on their way into load balancers and out of them. */
export function podChangesDashboard(): Dashboard {
  return dashboardOf({
    name: 'pod-changes',
    title: 'Pod changes',
    description:
      "Where the time of Pods goes on their way into load balancers and out of them: the leader's view, and that of the agents.",
    sections: [now(), wayIn(), wayOut()],
  });
}

function percentiles(name: string, ...matchers: readonly string[]) {
  return PERCENTILES.map(share => ({ expr: quantile(share, { name, matchers }), legend: `p${share * 100}` }));
}

/** One for each stage, in their order. */
function means(name: string, stages: readonly string[]) {
  return stages.map(stage => ({ expr: mean({ name, matchers: [`stage="${stage}"`] }), legend: stage }));
}

function now(): Section {
  return {
    title: 'Now',
    panels: [
      stat({
        title: 'Gates closed',
        description: 'Pods whose readiness gate is closed. Normal: some during a rollout, 0 otherwise.',
        unit: 'short',
        queries: [{ expr: sum(metric('closed_gates')), legend: 'Pods' }],
      }),
      stat({
        title: 'Longest wait for CLB',
        description:
          'How long the gate that waits longest has waited for anything but its own Pod. Normal: up to the time of the health check, some 20 s.',
        unit: 's',
        queries: [{ expr: max(metric('oldest_closed_gate_seconds', 'reason!="WaitingForPod"')), legend: 'longest' }],
        limits: { orange: 60, red: 300 },
      }),
      stat({
        title: 'Hooks held',
        description: 'preStop hooks that agents hold. Normal: some during a rollout, 0 otherwise.',
        unit: 'short',
        queries: [{ expr: sum(metric('agent_hooks_held')), legend: 'hooks' }],
      }),
      stat({
        title: 'Way in, p99',
        description:
          'From the containers running to the gate open, over the chosen time. Normal: the start of the application and the health check, and 1 s more.',
        unit: 's',
        queries: [{ expr: quantile(0.99, { name: 'pod_entry_seconds', window: '$__range' }), legend: 'p99' }],
      }),
      stat({
        title: 'Way out, p99',
        description:
          'From the deletion to the answer of the hook, over the chosen time. Normal: as long as connections last, and 3 s more.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.99, { name: 'pod_exit_seconds', matchers: ['result="complete"'], window: '$__range' }),
            legend: 'p99',
          },
        ],
      }),
      stat({
        title: 'Drains given up',
        description: 'Hooks that were answered before the drain was complete, over the chosen time. Normal: 0.',
        unit: 'short',
        queries: [
          { expr: sum(`increase(${metric('agent_hook_answers_total', STOPPED_LATE)}[$__range])`), legend: 'drains' },
        ],
        limits: { orange: 1, red: 10 },
      }),
    ],
  };
}

function wayIn(): Section {
  return {
    title: 'The way in: container running → reported → merged → accepted → healthy → open → gate',
    panels: [
      graph({
        title: 'Whole way in',
        description:
          'From the report that shows the containers running to the readiness gate True, of Pods that a load balancer serves. Normal: what the application needs to start, or the health check, whichever is longer, and 1 s more. Empty while no Pod starts.',
        unit: 's',
        queries: percentiles('pod_entry_seconds'),
      }),
      graph({
        title: 'Where the time goes in, mean',
        description:
          'What each stage added, in their order; together they are the whole way. Normal: nearly all of it containers-ready (the application) and healthy (the health check of CLB).',
        unit: 's',
        isStacked: true,
        queries: means('pod_entry_stage_seconds', ENTRY_STAGES),
      }),
      graph({
        title: 'Each stage in, p99',
        description:
          'Normal: merged and gate below 0.1 s, accepted and open below 2 s. A long accepted or open is a busy lane or a throttled API: see the dashboard CLB.',
        unit: 's',
        queries: [{ expr: quantile(0.99, { name: 'pod_entry_stage_seconds', by: ['stage'] }), legend: '{{stage}}' }],
      }),
      graph({
        title: 'Before the coordinator',
        description:
          "Container start to the agent's watch (p90; in whole seconds), and from there to a coordinator's acknowledgement (p99). Normal: 1 to 2 s, nearly all of it the kubelet; the report below 0.1 s.",
        unit: 's',
        queries: [
          { expr: quantile(0.9, { name: 'agent_container_start_lag_seconds' }), legend: 'running → watched' },
          { expr: quantile(0.99, { name: 'agent_report_lag_seconds' }), legend: 'watched → reported' },
        ],
      }),
      ...gatePanels(),
    ],
  };
}

function gatePanels(): readonly Builder[] {
  return [
    graph({
      title: 'Closed gates by what they wait for',
      description:
        'Normal: WaitingForPod and WaitingForHealthCheck during a rollout. NotOnEni, NoSuchPort and NoInstance do not end by waiting: see the condition of the Pod.',
      unit: 'short',
      isStacked: true,
      queries: [{ expr: present(max(metric('closed_gates'), 'reason'), 'reason'), legend: '{{reason}}' }],
    }),
    graph({
      title: 'Longest wait of a gate',
      description:
        'Of the gate that waits longest, by what it waits for. Normal: saw teeth below 30 s; one that only rises is stuck (docs/runbooks/ClbDirectGatesStuck.md).',
      unit: 's',
      queries: [{ expr: present(max(metric('oldest_closed_gate_seconds'), 'reason'), 'reason'), legend: '{{reason}}' }],
    }),
    graph({
      title: 'Pods that came',
      description: 'Gates opened per second. Normal: follows rollouts and scaling.',
      unit: 'ops',
      queries: [{ expr: sum(rate('pod_entry_stage_seconds_count', 'stage="gate"')), legend: 'Pods' }],
      width: WIDTH / 2,
    }),
    graph({
      title: 'Serving to gate True',
      description:
        'From the moment the leader knows that a Pod serves on all its rules to its gate written, p50 and p99. Normal: below 0.5 s; more is a slow API server.',
      unit: 's',
      queries: [0.5, 0.99].map(share => ({
        expr: quantile(share, { name: 'gate_open_delay_seconds' }),
        legend: `p${share * 100}`,
      })),
      width: WIDTH / 2,
    }),
  ];
}

function wayOut(): Section {
  return {
    title: 'The way out: delete → preStop → weight 0 → connections gone → deregistered → SIGTERM',
    panels: [
      graph({
        title: 'Whole way out',
        description:
          'From the report of the deletion to the answer of the hook, upon which the kubelet sends SIGTERM, of Pods whose drain was complete. Normal: as long as connections last, and 3 s more. Empty while no Pod is deleted.',
        unit: 's',
        queries: percentiles('pod_exit_seconds', 'result="complete"'),
      }),
      graph({
        title: 'Where the time goes out, mean',
        description:
          'What each stage added, in their order; together they are the whole way. Normal: nearly all of it connections-ended, which includes 2 s of settling.',
        unit: 's',
        isStacked: true,
        queries: means('pod_exit_stage_seconds', EXIT_STAGES),
      }),
      graph({
        title: 'Each stage out, p99',
        description:
          'Normal: hook below 0.2 s, weight-zero below 1 s, deregistered below 2 s, answered below 0.1 s. A long weight-zero is a busy lane: see the dashboard CLB.',
        unit: 's',
        queries: [{ expr: quantile(0.99, { name: 'pod_exit_stage_seconds', by: ['stage'] }), legend: '{{stage}}' }],
      }),
      graph({
        title: 'Deletion to the write of weight 0',
        description: 'How long a closing waits in its lane. Normal: p50 below 10 ms, p99 below 50 ms on idle lanes.',
        unit: 's',
        queries: [0.5, 0.99].map(share => ({
          expr: quantile(share, { name: 'lane_wait_seconds', matchers: ['priority="close"'] }),
          legend: `p${share * 100}`,
        })),
      }),
      ...hookPanels(),
    ],
  };
}

function hookPanels(): readonly Builder[] {
  return [
    graph({
      title: 'Hooks answered, by reason',
      description:
        'Per second. Normal: drained, idle-connections and restart alone; containers-exited where applications end by themselves. Every other reason was early (docs/runbooks/ClbDirectDrainsGivenUp.md).',
      unit: 'ops',
      isStacked: true,
      queries: [{ expr: present(sum(rate('agent_hook_answers_total'), 'reason'), 'reason'), legend: '{{reason}}' }],
    }),
    graph({
      title: 'Drains under way',
      description:
        'preStop hooks that agents hold, or held a moment ago, as the leader knows. Normal: 0 but for rollouts.',
      unit: 'short',
      queries: [
        { expr: max(metric('drains')), legend: 'known to a coordinator' },
        { expr: sum(metric('agent_hooks_held')), legend: 'held by agents' },
      ],
    }),
    graph({
      title: 'Request to deregistered',
      description:
        'From the drain request to the last target read back as gone, p50 and p99, early answers included: their targets go when the containers exit. Normal: like the whole way out.',
      unit: 's',
      queries: [0.5, 0.99].map(share => ({
        expr: quantile(share, { name: 'drain_duration_seconds' }),
        legend: `p${share * 100}`,
      })),
      width: WIDTH / 2,
    }),
    graph({
      title: 'Pods that left',
      description: 'Hooks of deleted Pods answered per second, by result. Normal: follows rollouts; no early ones.',
      unit: 'ops',
      queries: [{ expr: sum(rate('pod_exit_seconds_count'), 'result'), legend: '{{result}}' }],
      width: WIDTH / 2,
    }),
  ];
}
