import { numberTable } from '../number-table.ts';
import type { AgentSummary } from './agent-summary.ts';
import type { DrainScan } from './drain-scan.ts';

type Figure = { readonly label: string; readonly key: keyof AgentSummary; readonly goal?: number };

const FIGURES: readonly Figure[] = [
  { label: 'RSS, MiB', key: 'rssMiB', goal: 80 },
  { label: 'of it anonymous, MiB', key: 'rssAnonMiB', goal: 32 },
  { label: 'highest RSS, MiB', key: 'rssPeakMiB' },
  { label: 'CPU at rest, % of a core', key: 'cpuPercent', goal: 0.5 },
  { label: 'CPU under load, % of a core', key: 'cpuPercentUnderLoad' },
  { label: 'wake-ups per second at rest', key: 'wakeUpsPerSecond' },
  { label: 'wake-ups per second under load', key: 'wakeUpsPerSecondUnderLoad' },
  { label: 'bytes per hour on a quiet stream', key: 'quietStreamBytesPerHour', goal: 1_048_576 },
  { label: 'start to first snapshot received, ms, p50', key: 'coldStartMs', goal: 1_000 },
  { label: 'the same, longest', key: 'coldStartMaxMs' },
  { label: 'counting of connections, ms, p50', key: 'drainScanP50Ms' },
  { label: 'the same, p99', key: 'drainScanP99Ms', goal: 20 },
  { label: 'the same, nothing changed, p99', key: 'drainScanUnchangedP99Ms' },
  { label: 'kill to report received, ms, p50', key: 'exitReportP50Ms' },
  { label: 'the same, p99', key: 'exitReportP99Ms', goal: 50 },
];

export function missedAgentGoals(summary: AgentSummary): string[] {
  return FIGURES.flatMap(({ label, key, goal }) => {
    const value = summary[key];
    return goal === undefined || value <= goal ? [] : [`agent: ${key} (${label}) is ${value}, not at most ${goal}`];
  });
}

export function agentText(summary: AgentSummary, scan: DrainScan): string {
  const rows = FIGURES.map(({ label, key, goal }) => [
    label,
    String(summary[key]),
    goal === undefined ? '–' : `≤ ${goal}`,
  ]);
  return [
    `100 Pods, 20 changes and 4 scrapes a minute for ${summary.minutes} min, two report streams`,
    numberTable([['figure', 'agent', 'goal'], ...rows]),
    '',
    'Memory beside it, MiB',
    numberTable([
      ['process', 'RSS', 'anonymous'],
      ['agent', String(summary.rssMiB), String(summary.rssAnonMiB)],
      ['its packages without the product', String(summary.skeletonRssMiB), String(summary.skeletonRssAnonMiB)],
      ['Node without anything', String(summary.emptyNodeRssMiB), String(summary.emptyNodeRssAnonMiB)],
    ]),
    ...PEERS,
    '',
    `Connections counted: ${scan.connections}, ${placeOf(scan)}.`,
    `Load average of this machine: ${summary.loadAverage}. Above its number of cores, times say more about it than about the agent.`,
  ].join('\n');
}

function placeOf({ withoutNamespace }: DrainScan): string {
  return withoutNamespace === undefined
    ? 'in a network namespace of their own'
    : `on the loopback, since this ${withoutNamespace}`;
}

/** As their own projects publish them; measured elsewhere, in Go, at other loads. */
const PEERS = [
  'Agents of others, as published: MetalLB speaker 100 MiB (suggested request); Cilium agent 438 MiB on average, 573 MiB at',
  'most (1,000 nodes, 50,000 Pods).',
];
