import { agentMetrics, coordinatorMetrics, type KnownMetric } from './known-metrics.ts';

/** docs/metrics.md: every metric, in its process's own words. */
export function metricsPage(): string {
  return `# Metrics

Made by \`npm run dashboards\` from what the processes say of themselves; docs/dashboards.md tells what is drawn of them.

Every name begins with \`clb_direct_\`; times are seconds, sizes bytes. No label names a Pod, a rule, a Service or a load balancer, so
that the number of series does not grow with them: which one is meant stands on the leader's status page, in Events and in logs.

| | series | at 2,000 rules and 5,000 nodes |
| --- | --- | --- |
| one coordinator | about 1,000; 4,500 if every action of CLB had failed with every code | the same: 2 replicas, about 2,000 |
| one agent | about 200, most of them buckets | 5,000 agents, about 1 million |

Values that only a leader knows are 0 on the others: use \`max\` for gauges and \`sum\` for counters over the replicas. Where 1 million
series are too many, drop the buckets of agents that nobody looks at (\`clb_direct_agent_report_message_bytes_bucket\`,
\`clb_direct_agent_container_exit_lead_seconds_bucket\`), or scrape agents once a minute: no alert needs them more often.

## Of a coordinator

${tableOf(coordinatorMetrics())}

## Of an agent

Each has the label \`node\`, given by the agent.

${tableOf(agentMetrics())}
`;
}

function tableOf(metrics: readonly KnownMetric[]): string {
  const rows = [...metrics]
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(({ name, type, labels, help }) => {
      const shown = labels.filter(label => label !== 'node').join(', ');
      return `| \`${name}\` | ${type} | ${shown} | ${help.replace(/\.$/, '').replaceAll('|', '\\|')} |`;
    });
  return ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
