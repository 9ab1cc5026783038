import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { max, metric, min, quantile, rate, sum } from './expressions.ts';
import { dashboardOf, type Section } from './frame.ts';
import { graph, stat, timeline, WIDTH } from './panel.ts';

/** Whether clb-direct itself is well. */
export function healthDashboard(): Dashboard {
  return dashboardOf({
    name: 'health',
    title: 'Health of clb-direct',
    description: 'Whether clb-direct itself is well: leader, lease, streams, webhook, certificates, queues, processes.',
    sections: [now(), leadership(), webhook(), queues(), processes()],
  });
}

function now(): Section {
  return {
    title: 'Now',
    panels: [
      stat({
        title: 'Leaders',
        description: 'Coordinators that lead. Normal: 1; 0 for moments while the lease changes hands.',
        unit: 'short',
        queries: [{ expr: sum(metric('leader')), legend: 'leaders' }],
        limits: { orange: 1, isFloor: true },
      }),
      stat({
        title: 'Coordinators',
        description: 'Replicas that are scraped. Normal: as many as the chart was told, 2 unless set.',
        unit: 'short',
        queries: [{ expr: `count(${metric('leader')})`, legend: 'replicas' }],
      }),
      stat({
        title: 'Nodes without an agent',
        description: 'As the replica that misses most sees it; super nodes do not count. Normal: 0.',
        unit: 'short',
        queries: [{ expr: max(metric('nodes_without_agent')), legend: 'nodes' }],
        limits: { orange: 1, red: 5 },
      }),
      stat({
        title: 'Lease left',
        description: 'How long the leader may still write if it cannot renew its lease. Normal: 7 to 10 s.',
        unit: 's',
        queries: [{ expr: max(metric('lease_remaining_seconds')), legend: 'left' }],
        limits: { orange: 5, red: 2, isFloor: true },
      }),
      stat({
        title: 'Certificate ends in',
        description:
          'The first of the certificates that replicas serve with. Normal: 30 days or more; renewed by itself.',
        unit: 's',
        queries: [{ expr: `${min(metric('certificate_expiry_timestamp_seconds'))} - time()`, legend: 'left' }],
        limits: { orange: 14 * 86_400, red: 3 * 86_400, isFloor: true },
      }),
      stat({
        title: 'Streams',
        description: 'Report streams to all replicas. Normal: nodes times replicas.',
        unit: 'short',
        queries: [{ expr: sum(metric('agent_sessions')), legend: 'streams' }],
      }),
    ],
  };
}

function leadership(): Section {
  return {
    title: 'Leader and streams',
    panels: [
      timeline({
        title: 'Who leads',
        description: 'One row for each replica. Normal: one of them leads, for as long as it lives.',
        unit: 'short',
        texts: { '0': 'follows', '1': 'leads' },
        queries: [{ expr: max(metric('leader'), 'instance'), legend: '{{instance}}' }],
      }),
      graph({
        title: 'Lease over time',
        description: 'Of the leader. Normal: saw teeth between 7 and 10 s; below 5 s renewals fail.',
        unit: 's',
        queries: [{ expr: max(metric('lease_remaining_seconds')), legend: 'left' }],
      }),
      graph({
        title: 'Changes of leader',
        description: 'Transitions of the lease. Normal: flat; a step for each upgrade.',
        unit: 'short',
        queries: [{ expr: max(metric('lease_transitions')), legend: 'transitions' }],
      }),
      graph({
        title: 'Report streams by replica',
        description: 'Normal: one from each node at every replica, so that followers are warm.',
        unit: 'short',
        queries: [
          { expr: max(metric('agent_sessions'), 'instance'), legend: '{{instance}}' },
          { expr: max(metric('nodes')), legend: 'nodes' },
        ],
      }),
      graph({
        title: 'Age of streams',
        description:
          'The youngest and the oldest over all replicas. Normal: both rise; a youngest near 0 all the time is a stream that does not hold.',
        unit: 's',
        queries: [
          { expr: min(metric('agent_session_age_seconds', 'edge="youngest"')), legend: 'youngest' },
          { expr: max(metric('agent_session_age_seconds', 'edge="oldest"')), legend: 'oldest' },
        ],
      }),
      graph({
        title: 'Nodes in trouble',
        description:
          'Without a reporting agent, watched by the leader itself, found lost, or with an announced end. Normal: 0 but for upgrades of nodes.',
        unit: 'short',
        queries: [
          { expr: max(metric('nodes_without_agent')), legend: 'without agent' },
          { expr: max(metric('watched_nodes')), legend: 'watched by the leader' },
          { expr: max(metric('lost_nodes')), legend: 'lost' },
          { expr: `max(${sum(metric('announced_nodes'), 'instance')})`, legend: 'end announced' },
        ],
      }),
    ],
  };
}

function webhook(): Section {
  return {
    title: 'Webhook, certificates and refused streams',
    panels: [
      graph({
        width: WIDTH / 4,
        title: 'Admissions',
        description: 'Reviews answered per second, by result. Normal: follows the creation of Pods.',
        unit: 'reqps',
        queries: [{ expr: sum(rate('webhook_admissions_total'), 'result'), legend: '{{result}}' }],
      }),
      graph({
        width: WIDTH / 4,
        title: 'Time of an admission',
        description: 'p50 and p99. Normal: p99 below 5 ms.',
        unit: 's',
        queries: [0.5, 0.99].map(share => ({
          expr: quantile(share, { name: 'webhook_admission_duration_seconds' }),
          legend: `p${share * 100}`,
        })),
      }),
      graph({
        width: WIDTH / 4,
        title: 'Pods without gate or hook',
        description:
          'Pods that Services or Ingresses select and that lack the readiness gate, or whose hook does not wait for the load balancer. Normal: 0; after the installation until each workload was rolled once.',
        unit: 'short',
        queries: [
          { expr: max(metric('ungated_pods')), legend: 'without gate' },
          { expr: max(metric('unhooked_pods'), 'hook'), legend: 'without hook ({{hook}})' },
        ],
      }),
      graph({
        width: WIDTH / 4,
        title: 'Refused and repaired',
        description:
          'Report streams without a proven agent behind them, and objects of TLS and the webhook that were deleted or edited and put right, per hour. Normal: 0.',
        unit: 'short',
        queries: [
          {
            expr: `${sum(`increase(${metric('report_streams_turned_away_total')}[1h])`)} or vector(0)`,
            legend: 'streams turned away',
          },
          {
            expr: `${sum(`increase(${metric('upkeep_writes_total', 'outcome=~"restored|repaired"')}[1h])`)} or vector(0)`,
            legend: 'objects put right',
          },
        ],
      }),
    ],
  };
}

function queues(): Section {
  return {
    title: 'Work queues of the leader',
    panels: [
      graph({
        title: 'Depth',
        description: 'Keys that wait. Normal: near 0; peaks at the start of a term and in rollouts.',
        unit: 'short',
        queries: [{ expr: max(metric('workqueue_depth'), 'queue'), legend: '{{queue}}' }],
      }),
      graph({
        title: 'Wait in the queue, p99',
        description: 'From due to the beginning of the work. Normal: below 0.1 s.',
        unit: 's',
        queries: [
          { expr: quantile(0.99, { name: 'workqueue_queue_duration_seconds', by: ['queue'] }), legend: '{{queue}}' },
        ],
      }),
      graph({
        title: 'Time of the work, p99',
        description: 'Normal: below 0.5 s for what asks the API server, below 15 s for creations of load balancers.',
        unit: 's',
        queries: [
          { expr: quantile(0.99, { name: 'workqueue_work_duration_seconds', by: ['queue'] }), legend: '{{queue}}' },
        ],
      }),
      graph({
        title: 'Added',
        description: 'Keys per second. Normal: follows what changes in the cluster.',
        unit: 'ops',
        queries: [{ expr: sum(rate('workqueue_adds_total'), 'queue'), legend: '{{queue}}' }],
      }),
      graph({
        title: 'Retried',
        description: 'Keys per second that are worked on again after an error. Normal: 0; conflicts for moments.',
        unit: 'ops',
        queries: [{ expr: sum(rate('workqueue_retries_total'), 'queue'), legend: '{{queue}}' }],
      }),
      graph({
        title: 'Work that does not end',
        description: 'The longest in work, and all in work added up. Normal: below 5 s; what only rises is stuck.',
        unit: 's',
        queries: [
          { expr: max(metric('workqueue_longest_running_processor_seconds'), 'queue'), legend: '{{queue}}' },
          { expr: max(metric('workqueue_unfinished_work_seconds')), legend: 'all added up (worst queue)' },
        ],
      }),
    ],
  };
}

function processes(): Section {
  return {
    title: 'Processes',
    panels: [
      graph({
        title: 'Memory of coordinators',
        description:
          'Resident. Normal: 100 to 150 MiB, and some 7 KiB more for each Pod of a large cluster; the same on all replicas.',
        unit: 'bytes',
        queries: [{ expr: max(metric('process_resident_memory_bytes'), 'instance'), legend: '{{instance}}' }],
      }),
      graph({
        title: 'CPU of coordinators',
        description: 'Share of one core. Normal: a few percent; up to one core for seconds after a change of leader.',
        unit: 'percentunit',
        queries: [{ expr: sum(rate('process_cpu_seconds_total'), 'instance'), legend: '{{instance}}' }],
      }),
      graph({
        title: 'Event loop of coordinators, p99',
        description: 'How late timers fire. Normal: below 50 ms; seconds cost the lease.',
        unit: 's',
        queries: [
          { expr: quantile(0.99, { name: 'event_loop_delay_seconds', by: ['instance'] }), legend: '{{instance}}' },
        ],
      }),
      graph({
        title: 'Memory of agents',
        description: 'The largest, the median and the smallest of all nodes. Normal: all within 60 to 90 MiB.',
        unit: 'bytes',
        queries: [
          { expr: max(metric('agent_process_resident_memory_bytes')), legend: 'largest' },
          { expr: `quantile(0.5, ${metric('agent_process_resident_memory_bytes')})`, legend: 'median' },
          { expr: min(metric('agent_process_resident_memory_bytes')), legend: 'smallest' },
        ],
      }),
      graph({
        title: 'Event loop of agents, p99',
        description: 'Over all nodes. Normal: below 10 ms.',
        unit: 's',
        queries: [{ expr: quantile(0.99, { name: 'agent_event_loop_delay_seconds' }), legend: 'p99' }],
      }),
      graph({
        title: 'Versions of agents',
        description: 'Agents by version. Normal: one version; two during an upgrade.',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: sum(metric('agent_build_info'), 'version'), legend: '{{version}}' }],
      }),
    ],
  };
}
