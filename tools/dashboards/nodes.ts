import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { max, metric, present, quantile, rate, sum } from './expressions.ts';
import { dashboardOf, type Section } from './frame.ts';
import { type Column, graph, table, WIDTH } from './panel.ts';

const CHOSEN = 'node=~"$node"';

/** One row for each node; a click on one shows it alone below. */
export function nodesDashboard(): Dashboard {
  return dashboardOf({
    name: 'nodes',
    title: 'Nodes',
    description: "What the agent of each node sees and does. Values are the agents' own, scraped from each of them.",
    variables: [{ name: 'node', label: 'Node', metric: 'agent_build_info', of: 'node' }],
    sections: [allNodes(), reports(), drains(), exits(), processes()],
  });
}

function increase(name: string, ...matchers: readonly string[]): string {
  return sum(`increase(${metric(name, ...matchers)}[$__range])`, 'node');
}

const COLUMNS: readonly Column[] = [
  { legend: 'Pods', expr: sum(metric('agent_pods'), 'node'), unit: 'short' },
  {
    legend: 'Streams',
    expr: sum(metric('agent_report_streams'), 'node'),
    unit: 'short',
    limits: { orange: 1, isFloor: true },
  },
  {
    legend: 'Report lag p99',
    expr: quantile(0.99, { name: 'agent_report_lag_seconds', by: ['node'], window: '$__range' }),
    unit: 's',
    limits: { orange: 0.25, red: 1 },
  },
  { legend: 'Hooks held', expr: sum(metric('agent_hooks_held'), 'node'), unit: 'short' },
  { legend: 'Drains', expr: increase('agent_hook_answers_total'), unit: 'short', decimals: 0 },
  {
    legend: 'Given up',
    expr: increase('agent_hook_answers_total', 'result="early"'),
    unit: 'short',
    decimals: 0,
    limits: { orange: 1, red: 10 },
  },
  { legend: 'Exits', expr: increase('agent_runtime_exits_total', 'kind="container"'), unit: 'short', decimals: 0 },
  {
    legend: 'Exits from',
    expr: max(metric('agent_runtime_events'), 'node'),
    unit: 'short',
    texts: { '0': 'Pod watch', '1': 'runtime' },
  },
  {
    legend: 'Hooks come here',
    expr: max(metric('agent_redirect_owned'), 'node'),
    unit: 'short',
    texts: { '0': 'no', '1': 'yes' },
  },
  { legend: 'End announced', expr: sum(metric('agent_node_signs'), 'node'), unit: 'short', limits: { orange: 1 } },
  {
    legend: 'RSS',
    expr: max(metric('agent_process_resident_memory_bytes'), 'node'),
    unit: 'bytes',
    limits: { orange: 100 * 2 ** 20, red: 160 * 2 ** 20 },
  },
  { legend: 'CPU', expr: sum(rate('agent_process_cpu_seconds_total'), 'node'), unit: 'percentunit' },
];

function allNodes(): Section {
  return {
    title: 'All nodes',
    panels: [
      table({
        title: 'Nodes',
        description:
          'One row for each node, as it is now; drains, given up ones and exits over the chosen time. Normal: one stream to each coordinator, a report lag below 0.1 s, nothing given up, exits from the runtime, RSS below 100 MiB. Click a node to see it alone below.',
        row: 'node',
        link: {
          title: 'Show this node alone',
          // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana puts the value of the cell here.
          url: '/d/clb-direct-nodes?var-node=${__value.raw}&$__url_time_range&var-datasource=$datasource',
        },
        columns: COLUMNS,
        height: 10,
      }),
    ],
  };
}

function reports(): Section {
  return {
    title: 'Pods and reports of $node',
    panels: [
      graph({
        title: 'Pods by state',
        description:
          'Pods that the chosen nodes report. Normal: nearly all ready; deleting ones go within their grace.',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: sum(metric('agent_pods', CHOSEN), 'state'), legend: '{{state}}' }],
      }),
      graph({
        title: 'Report lag',
        description:
          "From the moment an agent knows of a change to a coordinator's acknowledgement, p99. Normal: below 0.1 s; seconds mean a slow coordinator or network.",
        unit: 's',
        queries: [
          {
            expr: quantile(0.99, { name: 'agent_report_lag_seconds', by: ['node'], matchers: [CHOSEN] }),
            legend: '{{node}}',
          },
        ],
      }),
      graph({
        title: 'Report streams',
        description:
          'Coordinators that are connected to each agent. Normal: all replicas of the coordinator, always; 0 means that nobody hears of the node.',
        unit: 'short',
        queries: [{ expr: sum(metric('agent_report_streams', CHOSEN), 'node'), legend: '{{node}}' }],
      }),
      graph({
        title: 'From container start to the watch',
        description:
          'How long after the start of its last container the watch told of a Pod, p90; Kubernetes tells starts in whole seconds. Normal: 1 to 2 s, nearly all of it the kubelet.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.9, { name: 'agent_container_start_lag_seconds', by: ['node'], matchers: [CHOSEN] }),
            legend: '{{node}}',
          },
        ],
      }),
      graph({
        title: 'Age of streams',
        description:
          'How long ago the youngest stream of each node was welcomed. Normal: rises for days; falls to 0 when a coordinator or the agent is restarted.',
        unit: 's',
        queries: [{ expr: `min by (node) (${metric('agent_report_stream_age_seconds', CHOSEN)})`, legend: '{{node}}' }],
      }),
      graph({
        title: 'Messages sent',
        description:
          'Snapshots and deltas per second. Normal: a delta for each change of a Pod; snapshots only after a reconnect.',
        unit: 'ops',
        queries: [{ expr: sum(rate('agent_report_message_bytes_count', CHOSEN), 'type'), legend: '{{type}}' }],
      }),
    ],
  };
}

function drains(): Section {
  return {
    title: 'Drains on $node',
    panels: [
      graph({
        title: 'Hooks held',
        description: 'preStop calls that are being held now. Normal: some during a rollout, 0 otherwise.',
        unit: 'short',
        queries: [{ expr: sum(metric('agent_hooks_held', CHOSEN), 'node'), legend: '{{node}}' }],
      }),
      graph({
        title: 'Hooks answered',
        description:
          'Answers per second, by reason. Normal: drained, idle-connections and restart; every other reason was early (docs/runbooks/ClbDirectDrainsGivenUp.md).',
        unit: 'ops',
        queries: [
          { expr: present(sum(rate('agent_hook_answers_total', CHOSEN), 'reason'), 'reason'), legend: '{{reason}}' },
        ],
      }),
      graph({
        title: 'Stages of drains',
        description:
          'How long each stage takes, p90. Normal: weight-zero below 1 s, settling about 2 s, emptying as long as the requests of the application last, deregistering below 1 s.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.9, { name: 'agent_drain_stage_seconds', by: ['stage'], matchers: [CHOSEN] }),
            legend: '{{stage}}',
          },
        ],
      }),
      graph({
        title: 'Connections of draining Pods',
        description: 'As last counted, by who holds them. Normal: falls to 0 within the budget.',
        unit: 'short',
        isStacked: true,
        queries: [{ expr: sum(metric('agent_draining_connections', CHOSEN), 'peer_kind'), legend: '{{peer_kind}}' }],
        width: WIDTH / 2,
      }),
      graph({
        title: 'Held for',
        description: 'How long hooks were held, p50 and p99. Normal: well below drain-seconds (30 s unless set).',
        unit: 's',
        queries: [0.5, 0.99].map(share => ({
          expr: quantile(share, { name: 'agent_hook_held_seconds', matchers: [CHOSEN] }),
          legend: `p${share * 100}`,
        })),
        width: WIDTH / 2,
      }),
    ],
  };
}

function exits(): Section {
  return {
    title: 'Container exits on $node',
    panels: [
      graph({
        title: 'Exits',
        description:
          'Ends of containers and processes per second, as the runtime told them. Normal: as many as Pods end.',
        unit: 'ops',
        queries: [{ expr: sum(rate('agent_runtime_exits_total', CHOSEN), 'kind'), legend: '{{kind}}' }],
      }),
      graph({
        title: 'Lead over the Pod watch',
        description:
          'How much earlier the runtime told of an exit than the kubelet did, p50. Normal: 0.3 to 1 s; this is what a crash costs fewer requests.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.5, { name: 'agent_container_exit_lead_seconds', by: ['node'], matchers: [CHOSEN] }),
            legend: '{{node}}',
          },
        ],
      }),
      graph({
        title: 'Errors of the agent',
        description:
          'Failed watches, questions to the runtime, readings of connections and report streams per second. Normal: 0, but for moments in which the API server or a coordinator restarts.',
        unit: 'ops',
        queries: [
          { expr: sum(rate('agent_pod_watch_errors_total', CHOSEN)), legend: 'Pod watch' },
          { expr: sum(rate('agent_node_watch_errors_total', CHOSEN)), legend: 'Node watch' },
          { expr: sum(rate('agent_runtime_errors_total', CHOSEN)), legend: 'runtime' },
          { expr: sum(rate('agent_connection_read_errors_total', CHOSEN)), legend: 'connections' },
          { expr: sum(rate('agent_report_stream_errors_total', CHOSEN)), legend: 'report streams' },
        ],
      }),
    ],
  };
}

function processes(): Section {
  return {
    title: 'The agent of $node',
    panels: [
      graph({
        title: 'RSS',
        description: 'Resident memory of the agents. Normal: 60 to 90 MiB, flat, whatever the number of Pods.',
        unit: 'bytes',
        queries: [{ expr: max(metric('agent_process_resident_memory_bytes', CHOSEN), 'node'), legend: '{{node}}' }],
      }),
      graph({
        title: 'CPU',
        description: 'Share of one core. Normal: below 1 % while nothing is drained.',
        unit: 'percentunit',
        queries: [{ expr: sum(rate('agent_process_cpu_seconds_total', CHOSEN), 'node'), legend: '{{node}}' }],
      }),
      graph({
        title: 'Delay of the event loop',
        description:
          'How late timers fire, p99. Normal: below 10 ms; more means a node without processor time to spare.',
        unit: 's',
        queries: [
          {
            expr: quantile(0.99, { name: 'agent_event_loop_delay_seconds', by: ['node'], matchers: [CHOSEN] }),
            legend: '{{node}}',
          },
        ],
      }),
    ],
  };
}
